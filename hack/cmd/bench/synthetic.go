package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
)

// maker makes an image: the same one in every run.
type maker struct {
	image
	chance *rand.ChaCha8
	r      *rand.Rand
	// left are the bytes that the files still to be made may have.
	left int64
}

// write writes the image as a classic archive of `docker save`.
func (img image) write(file string) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	m := maker{image: img, chance: rand.NewChaCha8(sha256.Sum256([]byte(img.name)))}
	m.r, m.left = rand.New(m.chance), img.bytes
	out := tar.NewWriter(f)
	var names, ids []string
	for i := range img.layers {
		b, err := m.layer(i)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%064d/layer.tar", i)
		names, ids = append(names, name), append(ids, fmt.Sprintf("sha256:%x", sha256.Sum256(b)))
		if err := entry(out, name, b); err != nil {
			return err
		}
	}
	config, err := json.Marshal(map[string]any{"os": "linux", "architecture": "amd64", "config": map[string]any{"User": "1001:1001", "Cmd": []string{"/app/0/lib0.so"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]any{map[string]any{"Config": "config.json", "RepoTags": []string{img.name + ":1"}, "Layers": names}})
	if err != nil {
		return err
	}
	return errors.Join(entry(out, "config.json", config), entry(out, "manifest.json", manifest), out.Close())
}

func entry(w *tar.Writer, name string, b []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// layer is one layer's tar: of a hundred files sixty are code, twenty-five settings and texts,
// fifteen programs and libraries, which have two thirds of the bytes.
func (m *maker) layer(i int) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	files := m.files / m.layers
	per := m.bytes / int64(m.layers)
	libraries := max(1, files*15/100)
	for j := range files {
		dir := fmt.Sprintf("app/%d/package_%d/", i, j/50)
		name, body := dir+fmt.Sprintf("module_%d.py", j), []byte(nil)
		switch {
		case j < libraries:
			name, body = fmt.Sprintf("app/%d/lib%d.so", i, j), m.program(int(per*2/3)/libraries)
		case j%100 < 40:
			name, body = dir+fmt.Sprintf("settings_%d.yaml", j), m.text(int(per/3)/files, settings)
		default:
			body = m.text(int(per/3)/files, code)
		}
		if err := entry(w, name, body); err != nil {
			return nil, err
		}
	}
	// One credential each in the first layer, in the middle and near the last.
	if m.planted > 0 && i%((m.layers-1)/(m.planted-1)) == 0 {
		key := "aws_access_key_id = AKIA" + m.word(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") + "\n"
		if err := entry(w, fmt.Sprintf("app/%d/upload.py", i), []byte(string(m.text(4000, code))+key)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func (m *maker) word(n int, letters string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[m.r.IntN(len(letters))]
	}
	return string(b)
}

// program is what a library looks like to a reader: a third machine code, which is close to
// chance, a third zeros and tables, a third names.
func (m *maker) program(n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(m.chance, b[:n/3])
	copy(b, "\x7fELF\x02\x01\x01")
	for i := n / 3; i < 2*n/3; i += 8 {
		b[i] = byte(i >> 3)
	}
	at := 2 * n / 3
	for at < n {
		at += copy(b[at:], m.word(4+m.r.IntN(20), "abcdefghijklmnopqrstuvwxyz_")+"\x00")
	}
	return b
}

// What code and settings are made of, words that scanners look for included.
var (
	code = strings.Split(`def %s(self, request, *, timeout=30):
    token = request.headers.get("authorization", "")
    password = os.environ["%s_PASSWORD"]
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"expected str, got {type(value).__name__}")
    return self._%s.get(key) or self.default_%s
import %s.%s as %s
class %s(BaseModel):
    """Holds what %s needs to know of %s, and nothing else."""
    secret_key: SecretStr = Field(alias="%s")
url = "https://%s.example.org/%s?page=2"
    # The key of a cache entry is made of its arguments: see %s.
    async with self.lock, session.get(url) as response:
        await self.%s.acquire(tokens=1)
    for item in sorted(%s.items(), key=lambda pair: pair[1]):
        logger.info("%s took %d s", elapsed)
-----BEGIN CERTIFICATE-----
const { access_token, expires_in } = await fetch("/%s").then(r => r.json());
assert hashlib.sha256(b"%s").hexdigest() == digest`, "\n")
	settings = strings.Split(`%s:
  %s: 4
  url: https://%s.example.org/%s
  api_key: ${%s_API_KEY}
  image: registry.example/%s:1.4.2
  password: "{{ %s_password }}"
  # %s is read once, when the program starts.
  secretName: %s
  passwordMinLength: 12
  tokens: [%s, %s]
  keepAlive: 30s
  description: what %s does with %s`, "\n")
)

func (m *maker) text(n int, lines []string) []byte {
	var b bytes.Buffer
	for b.Len() < n {
		line := lines[m.r.IntN(len(lines))]
		for strings.Contains(line, "%s") {
			line = strings.Replace(line, "%s", m.word(4+m.r.IntN(8), "abcdefghijklmnopqrstuvwxyz"), 1)
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}
