package node

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// reads is how a file is read, whose name begins where it is looked for.
type reads func(file string) ([]byte, error)

// number is a file that holds one.
func number(file string) (int64, error) { return reads(os.ReadFile).number(file) }

func (read reads) number(file string) (int64, error) {
	b, err := read(file)
	if err != nil {
		return 0, err
	}
	return parseNumber(file, strings.TrimSpace(string(b)))
}

// errNoCounter is where a file has no line for a counter.
var errNoCounter = errors.New("is not there")

// counter is one of a file of lines such as "usage_usec 4711", by its first word.
func counter(file, name string) (int64, error) { return reads(os.ReadFile).counter(file, name) }

func (read reads) counter(file, name string) (int64, error) {
	b, err := read(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return parseNumber(file, strings.TrimSpace(value))
		}
	}
	return 0, fmt.Errorf("%s of %s %w", name, file, errNoCounter)
}

func parseNumber(file, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s says %q, expected a number", file, s)
	}
	return n, nil
}
