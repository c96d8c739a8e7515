package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
)

// contractNames are what the contracts are called in reports and in the names of files: their paths as one
// word. A name does not depend on the others, where that can be: pages tell findings apart by it.
func contractNames(files []string) ([]string, error) {
	short := func(file string) string {
		name := strings.TrimSuffix(file, filepath.Ext(file))
		if filepath.Base(name) == strings.TrimSuffix(contract.DefaultFile, filepath.Ext(contract.DefaultFile)) {
			name = filepath.Dir(name)
		}
		if name == "." {
			if dir, err := os.Getwd(); err == nil {
				name = filepath.Base(dir)
			}
		}
		return name
	}
	paths, of := make([]string, len(files)), map[string][]int{}
	for i, file := range files {
		path := filepath.Clean(file)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, contract.DefaultFile)
		}
		if k := slices.Index(paths[:i], path); k >= 0 {
			return nil, fmt.Errorf("-f %s and -f %s are the same contract; give it once", files[k], file)
		}
		paths[i] = path
		of[plainName(short(path))] = append(of[plainName(short(path))], i)
	}
	names := make([]string, len(files))
	for name, which := range of {
		for _, i := range which {
			if names[i] = name; len(which) > 1 {
				names[i] = plainName(paths[i])
			}
		}
	}
	for i, name := range names {
		if k := slices.Index(names[:i], name); k >= 0 {
			return nil, fmt.Errorf("-f %s and -f %s would both be called %s in reports and files; rename one of them", files[k], files[i], name)
		}
	}
	return names, nil
}

// plainName is a path as a part of a file's name.
func plainName(path string) string {
	for strings.HasPrefix(path, "../") {
		path = path[3:]
	}
	return strings.ReplaceAll(strings.Trim(filepath.ToSlash(path), "/"), "/", "-")
}
