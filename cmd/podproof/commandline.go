package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
)

// execute runs a command line. What is wrong with the line itself is an error that names what
// was written, what the command expects, and what was most likely meant.
func execute(ctx context.Context, root *cobra.Command, args []string) error {
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil || errors.As(err, new(exitError)) || errors.As(err, new(*pipeline.Stopped)) {
		return err
	}
	if strings.HasPrefix(err.Error(), "if any flags in the group [quiet verbose]") {
		err = errors.New("-q and -v contradict each other; give one of them")
	}
	// What is left are cobra's own errors. Find gives one for an unknown command alone.
	if _, rest, unknown := root.Find(args); unknown != nil {
		for _, a := range rest {
			if !strings.HasPrefix(a, "-") {
				return misused(root, unknownCommand(root, a))
			}
		}
	}
	return misused(root, err)
}

// misused is the error of a command line, and where its usage is explained.
func misused(c *cobra.Command, err error) error {
	return usage(fmt.Errorf("%w\nRun `%s --help` for usage", err, c.CommandPath()))
}

func unknownCommand(root *cobra.Command, name string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	switch near := root.SuggestionsFor(name); {
	case len(near) > 0:
		return fmt.Errorf("unknown command %q; did you mean %s?", name, strings.Join(near, " or "))
	case strings.ContainsAny(name, ":/."):
		return fmt.Errorf("unknown command %q; if it is an image: `podproof inspect %s` reads it, `podproof verify %s` runs it", name, name, name)
	}
	return fmt.Errorf("unknown command %q; the commands are %s", name, strings.Join(names, ", "))
}

// asUsed accepts the arguments that the command's own usage names: NAME, [NAME], [NAME…].
func asUsed(c *cobra.Command, args []string) error {
	var names []string
	least, most := 0, 0
	for _, word := range strings.Fields(c.Use)[1:] {
		name := strings.Trim(word, "[]")
		if name == "flags" {
			continue
		}
		names = append(names, name)
		if word == name {
			least++
		}
		if most++; strings.HasSuffix(name, "…") {
			return nil // there is no such command that requires one, too
		}
	}
	if len(args) >= least && len(args) <= most {
		return nil
	}
	expects := "no arguments"
	switch {
	case most > least:
		expects = "at most one argument, " + strings.Join(names, " ")
	case most > 1:
		expects = fmt.Sprintf("%d arguments, %s", most, strings.Join(names, " "))
	case most > 0:
		expects = "one argument, " + strings.Join(names, " ")
	}
	received := "none"
	if n := len(args); n > 0 {
		received = fmt.Sprintf("%d: %s", n, quoted(args))
	}
	return misused(c, fmt.Errorf("%s takes %s; it received %s", c.CommandPath(), expects, received))
}

func quoted(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, fmt.Sprintf("%q", w))
	}
	return strings.Join(out, ", ")
}

// wrongFlag explains what pflag says of a flag.
func wrongFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		err = unknownFlag(c, unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames())
	case errors.As(err, &bare):
		f := bare.GetFlag()
		value, _ := pflag.UnquoteUsage(f)
		err = fmt.Errorf("--%s needs a value: --%s %s", f.Name, f.Name, value)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		switch f.Value.Type() {
		case "duration":
			err = fmt.Errorf("--%s %s: %q is not a duration; write it with its unit, such as 5m or 300s", f.Name, invalid.GetValue(), invalid.GetValue())
		case "bool":
			err = fmt.Errorf("--%s=%s: %q is neither true nor false; write --%s alone to turn it on", f.Name, invalid.GetValue(), invalid.GetValue(), f.Name)
		}
	}
	return misused(c, err)
}

// unknownFlag says which flag was most likely meant. The letters are those of "-abc", of which
// the name is the one that is unknown; they are empty for "--name".
func unknownFlag(c *cobra.Command, name, letters string) error {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if letters != "" {
		// "-verbose" is -v, and then -e of "erbose".
		for _, n := range names {
			if len(letters) > 2 && strings.HasSuffix(n, letters) {
				return fmt.Errorf("unknown flag -%s in -%s; did you mean --%s, with two hyphens?", name, letters, n)
			}
		}
		return fmt.Errorf("unknown flag -%s in -%s; %s has %s", name, letters, c.CommandPath(), shorthands(c))
	}
	if near := contract.Nearest(name, names); near != "" {
		return fmt.Errorf("unknown flag --%s; did you mean --%s?", name, near)
	}
	var elsewhere []string
	for _, other := range c.Root().Commands() {
		if other.IsAvailableCommand() && other.Flags().Lookup(name) != nil {
			elsewhere = append(elsewhere, "`"+other.CommandPath()+"`")
		}
	}
	if len(elsewhere) > 0 {
		return fmt.Errorf("%s has no flag --%s; it is one of %s", c.CommandPath(), name, strings.Join(elsewhere, " and "))
	}
	if len(names) == 1 {
		return fmt.Errorf("unknown flag --%s; %s has none but --%s", name, c.CommandPath(), names[0])
	}
	return fmt.Errorf("unknown flag --%s; the flags of %s are --%s", name, c.CommandPath(), strings.Join(names, ", --"))
}

// shorthands are the flags of one letter.
func shorthands(c *cobra.Command) string {
	var out []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Shorthand != "" && !f.Hidden {
			out = append(out, "-"+f.Shorthand)
		}
	})
	return strings.Join(out, ", ")
}
