package standin

import (
	"path/filepath"
	"strings"

	"podproof.dev/hack/internal/archive"
)

const (
	staticPasswd = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
	staticGroup  = "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"
)

// Static is a base for programs that need nothing of an operating system but CA certificates, time zones and the
// name of their user, as distroless/static:nonroot is.
func (h Host) Static() (Image, error) {
	debian, err := h.debian()
	if err != nil {
		return Image{}, err
	}
	entries := []archive.Entry{
		{Name: "etc/passwd", Content: staticPasswd},
		{Name: "etc/group", Content: staticGroup},
		{Name: "etc/nsswitch.conf", Content: "hosts: files dns\n"},
		{Name: "tmp", Mode: 0o1777},
		{Name: "root", Mode: 0o700},
		{Name: "home/nonroot", Mode: 0o700, UID: 65532, GID: 65532},
	}
	return Image{
		Name: "static", Key: key(debian.key, staticPasswd, staticGroup, "ca-certificates zoneinfo"),
		config: archive.Config{User: "65532", Env: []string{path, "SSL_CERT_FILE=" + certificates}, WorkingDir: "/home/nonroot"},
		parts:  []part{debian},
		layers: func(dirs []string) ([]archive.Layer, error) {
			files, err := archive.Small(entries)
			if err != nil {
				return nil, err
			}
			taken := archive.Picked(filepath.Join(dirs[0], "debian.tar"), func(name string) bool {
				return name == certificates[1:] || strings.HasPrefix(name, "usr/share/zoneinfo/")
			})
			return []archive.Layer{taken, files}, nil
		},
	}, nil
}
