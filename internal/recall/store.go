package recall

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// most is how many records are kept. Of one key there is the newest alone.
const most = 20

// Store is a folder of records. A file's name has the key of its run, without and with the image, and a
// seal of what it holds: "NEAR-WHOLE-SEAL.json". So a file that was changed or cut is told by its name, and
// is a plain record all the same, for `podproof judge`.
type Store struct{ Dir string }

const secretFile = "secret"

// secret is this machine's own. Without it nobody can guess a Secret's value by the digests in a record.
func (s Store) secret() ([]byte, error) {
	file := filepath.Join(s.Dir, secretFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = s.makeSecret(file); err == nil {
			data, err = os.ReadFile(file)
		}
	}
	if err == nil && len(data) != sha256.Size {
		err = fmt.Errorf("%s has %d bytes, and should have %d: remove it", file, len(data), sha256.Size)
	}
	return data, err
}

// makeSecret makes one, unless somebody else has just done so.
func (s Store) makeSecret(file string) ([]byte, error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, err
	}
	data := make([]byte, sha256.Size)
	_, _ = rand.Read(data) // it never fails
	f, err := os.CreateTemp(s.Dir, ".secret-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return data, nil
}

// key is what may be written down of grounds.
func (s Store) key(on pipeline.Grounds) (report.Key, error) {
	secret, err := s.secret()
	if err != nil {
		return report.Key{}, fmt.Errorf("the folder of records cannot be used: %w", err)
	}
	k := report.Key{Parts: map[string]string{}}
	for name, is := range on {
		k.Parts[name] = mac(secret, name, is)
	}
	k.Sum = sum(secret, k.Parts, "")
	k.Near = sum(secret, k.Parts, pipeline.GroundImage)
	return k, nil
}

// sum is of all parts but one.
func sum(secret []byte, parts map[string]string, but string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if name != but {
			all = append(all, name, parts[name])
		}
	}
	return mac(secret, all...)
}

func mac(secret []byte, words ...string) string {
	h := hmac.New(sha256.New, secret)
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// short is as much of a digest as stands in a file's name.
func short(digest string) string { return digest[:16] }

// near and whole are how the names of files begin for a key, as patterns.
func near(k report.Key) string  { return short(k.Near) + "-*" }
func whole(k report.Key) string { return short(k.Near) + "-" + short(k.Sum) + "-*" }

// files are those whose name begins so, the youngest first.
func (s Store) files(begins string) []string {
	files, _ := filepath.Glob(filepath.Join(s.Dir, begins+".json"))
	written := map[string]time.Time{}
	for _, f := range files {
		if i, err := os.Lstat(f); err == nil && i.Mode().IsRegular() {
			written[f] = i.ModTime()
		}
	}
	files = slices.Sorted(maps.Keys(written))
	slices.SortStableFunc(files, func(a, b string) int { return written[b].Compare(written[a]) })
	return files
}

// read reads a record that is as it was written.
func (s Store) read(file string) (report.Record, error) {
	secret, err := s.secret()
	if err != nil {
		return report.Record{}, err
	}
	data, err := report.ReadText(file)
	if err != nil {
		return report.Record{}, err
	}
	parts := strings.Split(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
	if parts[len(parts)-1] != seal(secret, data) {
		return report.Record{}, errors.New("it is not as it was written, and is taken for changed")
	}
	return report.ReadRecord(file, data)
}

// seal stands in the name of a file that holds the data.
func seal(secret, data []byte) string { return mac(secret, string(data))[:32] }

// Keep writes the record of a run that passed. It takes the place of others with its key.
func (s Store) Keep(rec report.Record, on pipeline.Grounds) (string, error) {
	k, err := s.key(on)
	if err != nil {
		return "", err
	}
	secret, err := s.secret()
	if err != nil {
		return "", err
	}
	rec.Key = &k
	fresh := filepath.Join(s.Dir, ".new-"+rec.Evidence.Run.ID)
	if err := rec.WritePrivately(fresh); err != nil {
		return "", err
	}
	defer os.Remove(fresh)
	data, err := os.ReadFile(fresh)
	if err != nil {
		return "", err
	}
	before := s.files(whole(k))
	file := filepath.Join(s.Dir, strings.TrimSuffix(whole(k), "*")+seal(secret, data)+".json")
	if err := os.Rename(fresh, file); err != nil {
		return "", err
	}
	for _, old := range before {
		if old != file {
			_ = os.Remove(old) // it does no harm: the newest goes first
		}
	}
	if all := s.files("*"); len(all) > most {
		for _, old := range all[most:] {
			_ = os.Remove(old)
		}
	}
	return file, nil
}

// Clean removes the records of all runs, and says how many there were.
func (s Store) Clean() (int, error) {
	n := len(s.files("*"))
	return n, os.RemoveAll(s.Dir)
}
