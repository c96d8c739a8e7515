package node

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// Facts is what /proc says of a process: its status whole (proc_pid_status(5)), which has IDs,
// capabilities and NoNewPrivs, its command line, and where it has something mounted.
type Facts struct {
	Status, Cmdline []byte
	Mounts          []string
}

// Facts are those of each process. What ended while it was read has less of them.
func (h Host) Facts(o Owner) ([]Facts, error) {
	ps, err := h.processes(o)
	if err != nil {
		return nil, err
	}
	var out []Facts
	for _, p := range ps {
		var f Facts
		f.Status, _ = os.ReadFile(p.file("status"))
		f.Cmdline, _ = os.ReadFile(p.file("cmdline"))
		mounts, _ := p.mounts()
		for _, m := range mounts {
			f.Mounts = append(f.Mounts, m.point)
		}
		out = append(out, f)
	}
	return out, nil
}

// printFacts writes a process as a line "process", its status, and the lines "Cmdline:" and
// "Mounts:". Arguments end in the unit separator and have the record separator for their line
// ends, so that a command line is one line, whatever is in it.
func printFacts(w io.Writer, f Facts) error {
	var b bytes.Buffer
	b.WriteString("process\n")
	b.Write(f.Status)
	b.WriteString("Cmdline:\t")
	b.WriteString(strings.NewReplacer("\x00", "\x1f", "\n", "\x1e").Replace(string(f.Cmdline)))
	b.WriteString("\nMounts:\t")
	for _, m := range f.Mounts {
		b.WriteString(m + " ")
	}
	b.WriteString("\n")
	_, err := w.Write(b.Bytes())
	return err
}
