package image

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// privileged lists the files that give their caller rights.
func (t *tree) privileged(o *owners) []evidence.PrivilegedFile {
	var out []evidence.PrivilegedFile
	t.each(func(r ref, e *layer.Table) {
		mode, caps := e.Modes[r.entry], e.Caps[r.entry]
		if !e.Is(r.entry) || mode&(layer.SetUID|layer.SetGID) == 0 && caps == "" {
			return
		}
		p := e.Path(r.entry)
		out = append(out, evidence.PrivilegedFile{Path: p, Layer: r.layer, Mode: octal(mode),
			UID: int(e.UIDs[r.entry]), GID: int(e.GIDs[r.entry]), Capabilities: capabilities(caps), Owner: o.owner(p)})
	})
	slices.SortFunc(out, func(a, b evidence.PrivilegedFile) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func octal(mode uint16) string { return fmt.Sprintf("%04o", mode) }

// capabilityNames are those of linux/capability.h, by number.
var capabilityNames = strings.Fields("chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap " +
	"linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot " +
	"sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write " +
	"audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore")

// capabilities reads a vfs_cap_data (linux/capability.h) and writes it as getcap(8) does.
func capabilities(b string) string {
	if b == "" {
		return ""
	}
	if len(b) < 12 {
		return "unknown"
	}
	word := func(i int) uint64 {
		if len(b) < 4*i+4 {
			return 0
		}
		return uint64(binary.LittleEndian.Uint32([]byte(b[4*i : 4*i+4])))
	}
	permitted, inheritable := word(1)|word(3)<<32, word(2)|word(4)<<32
	flags := ""
	if word(0)&1 != 0 {
		flags = "e"
	}
	if inheritable != 0 {
		flags += "i"
	}
	if permitted != 0 {
		flags += "p"
	}
	var names []string
	for n := range 64 {
		if (permitted|inheritable)>>n&1 == 1 {
			name := fmt.Sprint(n)
			if n < len(capabilityNames) {
				name = "cap_" + capabilityNames[n]
			}
			names = append(names, name)
		}
	}
	return strings.Join(names, ",") + "=" + flags
}

// How many paths are listed, in all and of one folder.
const (
	maxWritable       = 200
	maxWritablePerDir = 3
)

// worldWritable lists files and folders that anyone may write to. Of a folder's entries the
// first few stand for all.
func (t *tree) worldWritable() []evidence.WritablePath {
	var all []evidence.WritablePath
	t.each(func(r ref, e *layer.Table) {
		k, mode := e.Kind(r.entry), e.Modes[r.entry]
		dir := k == layer.Dir
		if !dir && !e.Is(r.entry) || mode&layer.WorldWritable == 0 || dir && mode&layer.Sticky != 0 {
			return
		}
		p := e.Path(r.entry)
		all = append(all, evidence.WritablePath{Path: p, Layer: r.layer, Mode: octal(mode), Dir: dir,
			Code: !dir && isCode(e, r.entry)})
	})
	t.markCodeFolders(all)
	slices.SortFunc(all, func(a, b evidence.WritablePath) int { return strings.Compare(a.Path, b.Path) })
	// Code comes first, so that it is never among those that are only counted.
	slices.SortStableFunc(all, func(a, b evidence.WritablePath) int {
		return cmp.Or(strings.Compare(path.Dir(a.Path), path.Dir(b.Path)), -compareBool(a.Code, b.Code))
	})
	var out []evidence.WritablePath
	last, of := "", 0
	for _, w := range all {
		if dir := path.Dir(w.Path); dir != last {
			last, of = dir, 0
		}
		if of++; len(out) > 0 && (of > maxWritablePerDir || len(out) >= maxWritable) {
			out[len(out)-1].Count++
			continue
		}
		out = append(out, w)
	}
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// markCodeFolders marks the folders that hold code themselves.
func (t *tree) markCodeFolders(ws []evidence.WritablePath) {
	folders := map[string]int{}
	for i, w := range ws {
		if w.Dir {
			folders[w.Path] = i
		}
	}
	if len(folders) == 0 {
		return
	}
	t.each(func(r ref, e *layer.Table) {
		if !e.Is(r.entry) || !isCode(e, r.entry) {
			return
		}
		if i, ok := folders[path.Dir(e.Path(r.entry))]; ok {
			ws[i].Code = true
		}
	})
}

// sources are the extensions of what an interpreter or a linker loads.
var sources = func() map[string]bool {
	m := map[string]bool{}
	for _, x := range strings.Fields(".py .pyc .pyd .so .js .mjs .cjs .ts .jsx .tsx .node .rb .pl .pm .php .lua .jar .war .class .dll .exe .wasm .sh .bash .beam .ex .exs") {
		m[x] = true
	}
	return m
}()

// isCode is for a program, a library or a script.
func isCode(e *layer.Table, i int) bool {
	return e.Content(i) != layer.Other || e.Modes[i]&layer.Executable != 0 || sources[path.Ext(e.Path(i))] ||
		strings.Contains(path.Base(e.Path(i)), ".so.")
}

// codeOwners counts the code that users other than root own.
func (t *tree) codeOwners() []evidence.CodeOwner {
	by := map[int]*evidence.CodeOwner{}
	t.each(func(r ref, e *layer.Table) {
		uid := int(e.UIDs[r.entry])
		if uid == 0 || !e.Is(r.entry) || !isCode(e, r.entry) {
			return
		}
		o, p := by[uid], e.Path(r.entry)
		if o == nil {
			o = &evidence.CodeOwner{UID: uid}
			by[uid] = o
		}
		if o.Files++; o.Files == 1 || p < o.Example {
			o.Example, o.Layer = p, r.layer
		}
	})
	var out []evidence.CodeOwner
	for _, o := range by {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b evidence.CodeOwner) int { return cmp.Compare(a.UID, b.UID) })
	return out
}
