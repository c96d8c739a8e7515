package layer

import (
	"bytes"
	"encoding/binary"
	"runtime/debug"
	"strings"
	"sync"

	"podproof.dev/podproof/internal/collect/image/secrets"
	"podproof.dev/podproof/internal/evidence"
)

// What the body of a program is searched for. The linker puts the build information behind
// a mark (debug/buildinfo), since Go 1.18 in line; the names of functions stand in the table
// that a Go program needs for its own stack traces, and so keeps when it is stripped. Only
// `go test -c` links testing.MainStart; the package path that it records ends in ".test" for
// a library and not for a main package.
// They are joined when they are needed, since podproof's own program, which may be in an image,
// would hold them otherwise.
var (
	goMark = strings.Join([]string{"\xff Go build", "inf:"}, "")
	goTest = strings.Join([]string{"\x00testing.", "MainStart\x00"}, "")
)

var goWords = sync.OnceValue(func() secrets.Also { return secrets.NewAlso(goMark, goTest) })

var elfMagic = []byte("\x7fELF")

func isELF(b []byte) bool { return bytes.HasPrefix(b, elfMagic) }

// goSearch looks through a program.
type goSearch struct {
	found *evidence.GoBinary
	test  bool
}

func (g *goSearch) hit(word int, chunk []byte, at int) {
	if word == 1 {
		g.test = true
	} else if b, ok := buildInfo(chunk[at:]); ok && g.found == nil {
		g.found = &b
	}
}

// Layout of the build information: the mark, the size of a pointer and flags make 16 bytes,
// two unused pointers 16 more; then come the version and the modules, each after its length.
const (
	goHeader   = 32
	goInline   = 2 // flag: the strings follow in line
	goSentinel = 16
)

func buildInfo(b []byte) (evidence.GoBinary, bool) {
	if len(b) < goHeader || b[len(goMark)+1]&goInline == 0 {
		return evidence.GoBinary{}, false
	}
	version, rest, ok := lengthed(b[goHeader:])
	if !ok || len(version) == 0 || len(version) > 256 {
		return evidence.GoBinary{}, false
	}
	out := evidence.GoBinary{GoVersion: version}
	modules, _, ok := lengthed(rest)
	if !ok || len(modules) < 2*goSentinel { // a program without modules still has a version
		return out, true
	}
	if info, err := debug.ParseBuildInfo(modules[goSentinel : len(modules)-goSentinel]); err == nil {
		out.Package, out.Module = info.Path, info.Main.Path
	}
	return out, true
}

// lengthed cuts off a string that its length precedes.
func lengthed(b []byte) (s string, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return "", nil, false
	}
	b = b[used:]
	return string(b[:n]), b[n:], true
}
