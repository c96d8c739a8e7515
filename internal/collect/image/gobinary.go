package image

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"io"
	"os"

	"podproof.dev/podproof/internal/evidence"
)

// spoolInMemory is how much of one program is held in memory; build information is read
// from here and there in the file. A larger program goes to a file without a name.
const spoolInMemory = 32 << 20

// errSpool says that a program could not be put aside: the disk's fault, not the image's.
var errSpool = errors.New("no place to put a program of the image while its build information is read")

// spool gives random access to one program after the other.
type spool struct {
	inMemory int64 // bytes of a program that are held in memory
	memory   bytes.Buffer
	file     *os.File
}

var elfMagic = []byte("\x7fELF")

// goBinary reads the build information of a program. It is not ok for a program that has
// none. The error is that of reading r, or errSpool.
func (s *spool) goBinary(r io.Reader, size int64) (b evidence.GoBinary, ok bool, err error) {
	first := make([]byte, len(elfMagic))
	if _, err := io.ReadFull(r, first); err == io.EOF || err == io.ErrUnexpectedEOF {
		return b, false, nil // a shorter file; if the layer itself ended, the next entry tells
	} else if err != nil || !bytes.Equal(first, elfMagic) {
		return b, false, err
	}
	at, err := s.hold(io.MultiReader(bytes.NewReader(first), r), size)
	if err != nil {
		return b, false, err
	}
	info, err := buildinfo.Read(at)
	if err != nil {
		return b, false, nil
	}
	return evidence.GoBinary{Package: info.Path, Module: info.Main.Path, GoVersion: info.GoVersion,
		Test: hasFunction(at, "testing.MainStart")}, true, nil
}

// hasFunction looks a function up in the table that a Go program needs for its own stack
// traces, and so keeps when it is stripped. Only `go test -c` links testing.MainStart; the
// package path that it records ends in ".test" for a library and not for a main package.
func hasFunction(program io.ReaderAt, name string) bool {
	f, err := elf.NewFile(program)
	if err != nil {
		return false
	}
	text, table := f.Section(".text"), f.Section(".gopclntab")
	if text == nil || table == nil {
		return false
	}
	lines, err := table.Data()
	if err != nil {
		return false
	}
	symbols, err := gosym.NewTable(nil, gosym.NewLineTable(lines, text.Addr))
	return err == nil && symbols.LookupFunc(name) != nil
}

func (s *spool) hold(r io.Reader, size int64) (io.ReaderAt, error) {
	if size <= s.inMemory {
		s.memory.Reset()
		s.memory.Grow(int(size) + bytes.MinRead)
		_, err := s.memory.ReadFrom(r)
		return bytes.NewReader(s.memory.Bytes()), err
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "podproof-program-*")
		if err != nil {
			return nil, fmt.Errorf("%w: %w; set TMPDIR to a folder with room", errSpool, err)
		}
		s.file = f
		// Without a name it is gone with the process, however that ends.
		if err := os.Remove(f.Name()); err != nil {
			return nil, fmt.Errorf("%w: %w", errSpool, err)
		}
	}
	if err := s.file.Truncate(0); err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, err)
	}
	if _, err := io.Copy(io.NewOffsetWriter(s.file, 0), r); errors.As(err, new(*os.PathError)) {
		return nil, fmt.Errorf("%w (%d MiB): %w; set TMPDIR to a folder with room", errSpool, mib(size), err)
	} else if err != nil {
		return nil, err
	}
	return s.file, nil
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // it has no name, so this ends it
	}
}
