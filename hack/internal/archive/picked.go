package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// Picked is a layer of those files of a tar whose names are wanted. It is small enough to be held in memory.
func Picked(file string, wanted func(name string) bool) Layer {
	return func() (io.ReadCloser, int64, error) {
		content, err := pick(file, wanted)
		if err != nil {
			return nil, 0, err
		}
		return memory(content)()
	}
}

func pick(file string, wanted func(string) bool) ([]byte, error) {
	from, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	var content bytes.Buffer
	in, out := tar.NewReader(from), tar.NewWriter(&content)
	for {
		header, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimPrefix(header.Name, "./")
		if header.Typeflag == tar.TypeDir || !wanted(name) {
			continue
		}
		header.Name, header.Linkname = name, strings.TrimPrefix(header.Linkname, "./")
		if err := out.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := io.Copy(out, in); err != nil {
			return nil, err
		}
	}
	return content.Bytes(), out.Close()
}
