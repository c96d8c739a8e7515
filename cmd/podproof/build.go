package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/collect/build"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/redact"
	"podproof.dev/podproof/internal/report"
)

func newBuild() *cobra.Command {
	var file string
	var args []string
	c := &cobra.Command{
		Use:   "build",
		Short: "Build the contract's image, with the BuildKit of the Docker engine",
		Long:  "build builds the image as verify does, and leaves it in the Docker engine under the contract's name. It needs no buildx.",
		Args:  asUsed,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadContract(file)
			if err != nil {
				return usage(err)
			}
			if c.Build == nil {
				return usage(fmt.Errorf("%s: the contract has no `build`", file))
			}
			engine, err := docker.Connect(cmd.Context())
			if err != nil {
				return couldNot(err)
			}
			defer engine.Close()
			progress := report.NewProgress(os.Stdout, report.ConsoleOf(os.Stdout, cmd.Name(), false, false))
			defer progress.Close()
			done := progress.StepTo("Building "+c.Image, "Built "+c.Image)
			b, err := build.Build(cmd.Context(), engine, pipeline.Spec(c, args), progress.Waiting)
			if err != nil {
				done(err)
				return couldNot(err)
			}
			b = redact.Build(b)
			switch {
			case b.MissingPath != "":
				err = fmt.Errorf("%s does not exist; correct `build` in %s", b.MissingPath, file)
			case b.Error != "":
				err = errors.New(strings.Join(slices.Concat([]string{b.Error}, b.Source, b.Log), "\n"))
			}
			done(err)
			if err != nil {
				return exitError{exitFail, err}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "file", "f", contract.DefaultFile, "read the contract from this `FILE`")
	c.Flags().StringArrayVar(&args, "build-arg", nil, "build argument `NAME=VALUE`, or NAME with the environment's value")
	return c
}
