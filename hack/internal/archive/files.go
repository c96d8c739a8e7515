package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Entry is one file of a layer that is put together here. Content, Source, Link, Hard or Tar says what it is; with
// none of them it is a directory.
type Entry struct {
	Name     string // without a leading slash
	Mode     int64  // permission bits; 0 means 0644 for a file, 0755 for a directory
	UID, GID int
	Content  string
	Source   string // a file of the host
	Link     string // a symbolic link to this
	Hard     string // another name of this entry, which comes earlier in the layer
	Tar      string // everything in this tar of the host, below Name
	// Attributes are extended attributes by name, such as "security.capability".
	Attributes map[string]string
}

// Files makes a layer of the entries. It is written to the file at target, since layers can be large.
func Files(target string, entries []Entry) (Layer, error) {
	file, err := os.Create(target)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := writeFiles(file, entries); err != nil {
		return nil, err
	}
	return File(target), file.Close()
}

// Small is Files for a layer that fits in memory.
func Small(entries []Entry) (Layer, error) {
	var content bytes.Buffer
	if err := writeFiles(&content, entries); err != nil {
		return nil, err
	}
	return memory(content.Bytes()), nil
}

// Stream is a layer of the entries that is made while it is read. Its size is not known beforehand.
func Stream(entries []Entry) Layer {
	return func() (io.ReadCloser, int64, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(writeFiles(writer, entries)) }()
		return reader, -1, nil
	}
}

func writeFiles(w io.Writer, entries []Entry) error {
	out := tar.NewWriter(w)
	made := map[string]bool{}
	for _, e := range entries {
		if err := parents(out, made, path.Dir(e.Name)); err != nil {
			return err
		}
		write := writeEntry
		if e.Tar != "" {
			write = writeBelow
		}
		if err := write(out, e); err != nil {
			return fmt.Errorf("layer: %s: %w", e.Name, err)
		}
		made[e.Name] = true
	}
	return out.Close()
}

// parents adds the directories above an entry, which some readers expect.
func parents(out *tar.Writer, made map[string]bool, dir string) error {
	if dir == "." || made[dir] {
		return nil
	}
	if err := parents(out, made, path.Dir(dir)); err != nil {
		return err
	}
	made[dir] = true
	return writeEntry(out, Entry{Name: dir})
}

func writeEntry(out *tar.Writer, e Entry) error {
	header := &tar.Header{Name: e.Name, Mode: e.Mode, Uid: e.UID, Gid: e.GID, Typeflag: tar.TypeReg}
	var content io.Reader = strings.NewReader(e.Content)
	header.Size = int64(len(e.Content))
	switch {
	case e.Link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.Link, 0o777
	case e.Hard != "":
		header.Typeflag, header.Linkname = tar.TypeLink, e.Hard
	case e.Source != "":
		file, err := os.Open(e.Source)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		content, header.Size = file, info.Size()
	case e.Content == "":
		header.Typeflag, header.Name = tar.TypeDir, e.Name+"/"
	}
	for name, value := range e.Attributes {
		if header.PAXRecords == nil {
			header.PAXRecords = map[string]string{}
		}
		header.PAXRecords["SCHILY.xattr."+name] = value
	}
	if header.Mode == 0 {
		header.Mode = 0o644
		if header.Typeflag == tar.TypeDir {
			header.Mode = 0o755
		}
	}
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(out, content)
	return err
}

// writeBelow copies a tar's entries, each with its owner, mode and attributes, below the name of e.
func writeBelow(out *tar.Writer, e Entry) error {
	file, err := os.Open(e.Tar)
	if err != nil {
		return err
	}
	defer file.Close()
	in := tar.NewReader(file)
	for {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Tar, err)
		}
		if strings.HasPrefix(path.Base(header.Name), ".wh.") {
			return fmt.Errorf("%s: %s deletes a file of a layer below, which cannot be laid out as a directory", e.Tar, header.Name)
		}
		slash := ""
		if header.Typeflag == tar.TypeDir {
			slash = "/"
		}
		header.Name = path.Join(e.Name, header.Name) + slash
		if header.Typeflag == tar.TypeLink {
			header.Linkname = path.Join(e.Name, header.Linkname)
		}
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
}
