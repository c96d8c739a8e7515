package main

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// takeRecords removes the records that a run has left, and returns the size of the largest, compressed. A Job of
// podproof's keeps them with zstd, which makes them no larger.
func takeRecords(pattern string) (largest int64, err error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		size, err := compressed(file)
		if err := errors.Join(err, os.Remove(file)); err != nil {
			return 0, err
		}
		largest = max(largest, size)
	}
	return largest, nil
}

func compressed(file string) (size int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	var n counter
	z, err := gzip.NewWriterLevel(&n, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(z, f); err != nil {
		return 0, err
	}
	return int64(n), errors.Join(z.Close())
}

// counter counts what is written, and keeps nothing of it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
