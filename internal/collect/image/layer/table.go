package layer

import (
	"debug/elf"
	"sync/atomic"
)

// Kind is what an entry of a layer is.
type Kind uint8

// The kinds.
const (
	File     Kind = iota
	Dir           //
	Symlink       //
	Hardlink      // another name of a file; Table.Link has the first one
	Special       // a device or a pipe
	Whiteout      // removes what lower layers have at this path
	Opaque        // hides what lower layers have below this path
)

// Content is what a file begins with.
type Content uint8

// The contents.
const (
	Other    Content = iota
	ELF              // a program or a library
	HashBang         // "#!"
)

// Mode bits, as in stat(2).
const (
	SetUID        = 0o4000
	SetGID        = 0o2000
	Sticky        = 0o1000
	Executable    = 0o0111
	WorldWritable = 0o0002
)

// Table lists the entries of a layer in their order. It is a struct of arrays with one
// string for all names, so that a million entries take megabytes and a kept table is read
// back without an allocation for each. Its fields are exported for encoding/gob alone.
type Table struct {
	// Names holds each entry's path and, right behind it, the target of a link.
	Names    string
	NameEnds []uint32
	LinkEnds []uint32
	Kinds    []byte
	Contents []byte
	Machines []uint16 // e_machine of ELF files, or darwin, 0 where it is not known
	Modes    []uint16
	UIDs     []uint32
	GIDs     []uint32
	// Sizes are those of the bodies; a hard link has none of its own.
	Sizes []int64
	// Caps are the security.capability attributes, by entry.
	Caps map[int]string
}

// Len is the number of entries.
func (t *Table) Len() int { return len(t.Kinds) }

func (t *Table) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return t.LinkEnds[i-1]
}

// Path is absolute and clean: "/usr/bin/env". That of a whiteout is the path that it removes.
func (t *Table) Path(i int) string { return t.Names[t.start(i):t.NameEnds[i]] }

// Link is where a symbolic link points to, as written, or the path of a hard link's file.
func (t *Table) Link(i int) string { return t.Names[t.NameEnds[i]:t.LinkEnds[i]] }

// Kind is what the entry is.
func (t *Table) Kind(i int) Kind { return Kind(t.Kinds[i]) }

// Content is what the file begins with.
func (t *Table) Content(i int) Content { return Content(t.Contents[i]) }

// Machine is what a program was made for, as GOARCH has it; empty where that is not known.
func (t *Table) Machine(i int) string { return machineNames[elf.Machine(t.Machines[i])] }

// Is tells whether an entry is a file or another name of one.
func (t *Table) Is(i int) (file bool) { return t.Kind(i) == File || t.Kind(i) == Hardlink }

// What the tables of an image may hold. Images with a hundred thousand files are common; the
// largest that are known have under a million.
const (
	maxEntries = 2_000_000
	maxNames   = 256 << 20
)

// Budget is what the layers of one image may fill together. Its zero value is unspent.
type Budget struct{ entries, names atomic.Int64 }

func (b *Budget) spend(names int) error {
	if b.entries.Add(1) > maxEntries {
		return Faultf("its layers have more than %d entries, which no honest image has", maxEntries)
	}
	if b.names.Add(int64(names)) > maxNames {
		return Faultf("the names in its layers take more than %d MiB, which no honest image's do", maxNames>>20)
	}
	return nil
}

// Sound tells whether a table that was kept can be used without fear: what it refers to is there.
func (t *Table) Sound() bool {
	n, last := t.Len(), uint32(0)
	for _, l := range []int{len(t.NameEnds), len(t.LinkEnds), len(t.Contents), len(t.Machines), len(t.Modes), len(t.UIDs), len(t.GIDs), len(t.Sizes)} {
		if l != n {
			return false
		}
	}
	for i := range n {
		if t.NameEnds[i] < last || t.LinkEnds[i] < t.NameEnds[i] {
			return false
		}
		last = t.LinkEnds[i]
	}
	return int(last) == len(t.Names)
}

// builder makes a table.
type builder struct {
	Table
	names  []byte
	budget *Budget
}

func (b *builder) add(path, link string, kind Kind, mode int64, uid, gid int, size int64, caps string) error {
	if err := b.budget.spend(len(path) + len(link)); err != nil {
		return err
	}
	b.names = append(b.names, path...)
	b.NameEnds = append(b.NameEnds, uint32(len(b.names)))
	b.names = append(b.names, link...)
	b.LinkEnds = append(b.LinkEnds, uint32(len(b.names)))
	b.Kinds = append(b.Kinds, byte(kind))
	b.Contents = append(b.Contents, byte(Other))
	b.Machines = append(b.Machines, 0)
	b.Modes = append(b.Modes, uint16(mode&0o7777))
	b.UIDs = append(b.UIDs, uint32(uid))
	b.GIDs = append(b.GIDs, uint32(gid))
	b.Sizes = append(b.Sizes, size)
	if caps != "" {
		if b.Caps == nil {
			b.Caps = map[int]string{}
		}
		b.Caps[b.Len()-1] = caps
	}
	return nil
}

func (b *builder) table() Table {
	b.Names, b.names = string(b.names), nil
	return b.Table
}

// Hash is FNV-1a, 64 bits, of a path. It is the same in every run, since sets of hashes are
// kept. That two paths of an image share one does not happen.
func Hash(path string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(path) {
		h = (h ^ uint64(path[i])) * 1099511628211
	}
	return h
}
