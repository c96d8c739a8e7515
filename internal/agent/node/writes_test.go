package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrites(t *testing.T) {
	const upper = "/var/lib/snap/9/fs"
	for version, group := range map[string]string{"v1": onV1(id), "v2": onV2(id)} {
		t.Run(version, func(t *testing.T) {
			tr := plant(t)
			tr.process(10, group, nil) // it has ended
			tr.process(9, group, map[string]string{"mountinfo": mountinfo})
			for name, text := range map[string]string{
				"tmp/cache/a": "123", "tmp/cache.db": "12", "tmp/with space": "", "tmp/two\nlines": "1", "devices/x": "1",
				"dev/termination-log": "", "product_name": "k", "product_uuid/x": "k", "srv/product_1": "1",
			} {
				tr.write(tr.Root, upper+"/"+name, text)
			}
			if err := os.Symlink("/etc/passwd", filepath.Join(tr.Root, upper, "link")); err != nil {
				t.Fatal(err)
			}
			want := "mount\t/\nmount\t/proc\nmount\t/with\\040space\n" +
				"1\t/devices/x\n1\t/srv/product_1\n2\t/tmp/cache.db\n3\t/tmp/cache/a\n1\t/tmp/two\\012lines\n0\t/tmp/with space\n"
			if got := tr.says("writes", id); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if got := tr.says("writes", other); got != "gone\n" {
				t.Errorf("of a container that is not there: %q", got)
			}
		})
	}
}

// An upper directory may have any name, and lies where its options say.
func TestWritesToABlankedFolder(t *testing.T) {
	tr := plant(t)
	tr.process(9, onV2(id), map[string]string{"mountinfo": strings.ReplaceAll(mountinfo, "/var/lib/snap/9/fs", `/var/my\040snap\134s\9`)})
	tr.write(tr.Root, `var/my snap\s\9/a`, "1")
	if got := tr.says("writes", id); !strings.HasSuffix(got, "\n1\t/a\n") {
		t.Errorf("%q", got)
	}
}

// Where it cannot be seen what was written, nothing is not the answer.
func TestWritesUnknown(t *testing.T) {
	for name, c := range map[string]struct{ mountinfo, says string }{
		"no overlay":                   {"1041 960 0:72 / / rw - btrfs /dev/sda rw,subvol=/9\n", "has no upper directory"},
		"another's overlay":            {"1041 960 0:72 / / rw - ext4 /dev/sda rw\n1 2 0:1 / /mnt rw - overlay overlay rw,upperdir=/u\n", "has no upper directory"},
		"an upper directory elsewhere": {mountinfo, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			tr.process(9, onV2(id), map[string]string{"mountinfo": c.mountinfo})
			if out, err := tr.run("writes", id); err == nil || out != "" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}
