package node

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
)

// logFile is a log that was opened. Its File is nil where there is none.
type logFile struct {
	*os.File
	info fs.FileInfo
}

// openLog opens a regular file. One that is not there, or no longer, is no error.
func openLog(path string) (logFile, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return logFile{}, nil
	}
	if err != nil {
		return logFile{}, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return logFile{}, err
	}
	return logFile{f, info}, nil
}

// Close closes it, if it is there.
func (f logFile) Close() {
	if f.File != nil {
		_ = f.File.Close() // it was read only
	}
}

func (f logFile) same(g logFile) bool {
	return f.File != nil && g.File != nil && os.SameFile(f.info, g.info)
}

// copy writes its text, whole lines. Where a runtime is writing the last one, what comes next must
// not look like its rest.
func (f logFile) copy(out io.Writer) error {
	if f.File == nil {
		return nil
	}
	from, err := plain(f)
	if err != nil {
		return err
	}
	lines := &lineEnd{to: out}
	if _, err := io.Copy(lines, from); err != nil {
		return err
	}
	return lines.end()
}

// plain reads a file, compressed or not.
func plain(f io.Reader) (io.Reader, error) {
	const size = 64 << 10
	b := bufio.NewReaderSize(f, size)
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952
		return gzip.NewReader(b)
	}
	return b, nil
}

// lineEnd is a writer that knows whether it is within a line.
type lineEnd struct {
	to   io.Writer
	open bool
}

func (l *lineEnd) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.open = p[len(p)-1] != '\n'
	}
	return l.to.Write(p)
}

func (l *lineEnd) end() error {
	if !l.open {
		return nil
	}
	_, err := io.WriteString(l.to, "\n")
	return err
}
