package report

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
	"strings"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// Home is where a run's files lie in their repository, with slashes.
type Home struct {
	// Folder is the one that a location's file is relative to.
	Folder string `json:"folder"`
	// File is one that is there, for what stands in no other: the contract, where somebody wrote one.
	File string `json:"file"`

	// root is the repository on this machine, empty where the run was made elsewhere.
	root string
}

// HomeOf is the home of a contract that was read here.
func HomeOf(c contract.Contract) Home {
	dir, err := filepath.Abs(c.Path("."))
	if err != nil {
		return Home{Folder: ".", File: contract.DefaultFile}
	}
	if c.File() != contract.DefaultFile {
		dir = filepath.Dir(c.File())
	}
	h := Home{Folder: ".", root: rootOf(dir)}
	if rel, err := filepath.Rel(h.root, dir); err == nil && filepath.IsLocal(rel) {
		h.Folder = filepath.ToSlash(rel)
	}
	h.File = path.Join(h.Folder, cmp.Or(filepath.Base(c.File()), contract.DefaultFile))
	if c.Written() && h.there(h.File) {
		return h
	}
	for _, f := range stead(c) {
		if in, ok := h.in(f); ok && h.there(in) {
			h.File = in
			return h
		}
	}
	for _, f := range []string{workflow(), os.Getenv("CI_CONFIG_PATH"), ".gitlab-ci.yml", "README.md"} {
		if f != "" && filepath.IsLocal(f) && h.there(f) {
			h.File = f
			return h
		}
	}
	return h
}

// stead are the files of the user's that stand in for a contract that nobody wrote.
func stead(c contract.Contract) []string {
	var out []string
	if c.Build != nil {
		out = append(out, c.Build.Dockerfile)
	}
	for _, m := range c.ManifestFiles() {
		out = append(out, m)
		if m != contract.Stdin {
			for _, pattern := range []string{"kustomization.y*ml", "*.y*ml", "*.json"} {
				found, _ := filepath.Glob(filepath.Join(c.Path(m), pattern))
				out = append(out, found...)
			}
		}
	}
	return append(out, "Dockerfile")
}

// workflow is the file of the GitHub workflow that runs podproof, "owner/name/.github/workflows/ci.yml@refs/heads/main".
func workflow() string {
	ref, _, _ := strings.Cut(os.Getenv("GITHUB_WORKFLOW_REF"), "@")
	_, file, _ := strings.Cut(ref, "/.github/")
	if file == "" {
		return ""
	}
	return ".github/" + file
}

// rootOf is the repository that a folder lies in: what a CI has checked out, where git keeps that whole; the
// nearest folder that git keeps; what a CI names without git; or the current folder.
func rootOf(dir string) string {
	var named []string
	for _, variable := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		if w := os.Getenv(variable); filepath.IsAbs(w) && within(w, dir) {
			named = append(named, filepath.Clean(w))
		}
	}
	for _, w := range named {
		if kept(w) {
			return w
		}
	}
	for d := dir; ; d = filepath.Dir(d) {
		if kept(d) {
			return d
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	if len(named) > 0 {
		return named[0]
	}
	if here, err := os.Getwd(); err == nil && within(here, dir) {
		return here
	}
	return dir
}

func kept(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ".git"))
	return err == nil
}

func within(root, dir string) bool {
	rel, err := filepath.Rel(root, dir)
	return err == nil && filepath.IsLocal(rel)
}

// in is the path in the repository of a file that a contract names; it is not ok for one that lies elsewhere.
func (h Home) in(file string) (string, bool) {
	if filepath.IsAbs(file) {
		rel, err := filepath.Rel(h.root, file)
		return filepath.ToSlash(rel), h.root != "" && err == nil && filepath.IsLocal(rel)
	}
	file = path.Join(h.Folder, filepath.ToSlash(file))
	return file, filepath.IsLocal(file)
}

// there tells whether the repository has a file. Of another machine's that is not known.
func (h Home) there(file string) bool {
	if h.root == "" {
		return true
	}
	info, err := os.Stat(filepath.Join(h.root, filepath.FromSlash(file)))
	return err == nil && info.Mode().IsRegular()
}

// place is a location in the repository: at the first line of File, and not its own, where it is in no file
// that is there.
func (h Home) place(l *check.Location) (file string, line int, own bool) {
	if l != nil && l.File != "" {
		if file, ok := h.in(l.File); ok && h.there(file) {
			return file, max(l.Line, 1), true
		}
	}
	return h.File, 1, false
}

// At is the report with the home that its record tells, where it does: the run was made elsewhere, or earlier.
func (r Report) At(h *Home) Report {
	if h != nil {
		r.home = *h
	}
	return r
}
