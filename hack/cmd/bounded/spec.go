package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// specFile returns the file that says which capabilities the process gets: config.json of the bundle for
// create and run, the process file for exec. It is empty for commands that start nothing.
func specFile(args []string) string {
	flags, file := map[string]func(string) string{
		"--bundle":  func(v string) string { return filepath.Join(v, "config.json") },
		"--process": func(v string) string { return v },
	}, ""
	flags["-b"], flags["-p"] = flags["--bundle"], flags["--process"]
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		path, known := flags[name]
		switch {
		case !known:
		case joined:
			file = path(value)
		case i+1 < len(args):
			file = path(args[i+1])
		}
	}
	return file
}

// drop removes capabilities from every set of the file. Everything else in it stays as it was.
func drop(file string, missing []string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // runc names the missing file itself.
	}
	if err != nil {
		return err
	}
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber() // 64-bit limits must not pass through a float.
	var spec map[string]any
	if err := numbers.Decode(&spec); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	process, ok := spec["process"].(map[string]any)
	if !ok {
		process = spec // The file of exec is the process alone.
	}
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		list, _ := set.([]any)
		sets[name] = slices.DeleteFunc(list, func(c any) bool {
			s, _ := c.(string)
			return slices.Contains(missing, s)
		})
	}
	text, err = json.Marshal(spec)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, info.Mode().Perm())
}
