package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep JSON may be nested; a statement of podproof's has five levels.
const maxDepth = 32

// exactly reads one JSON value. Unlike encoding/json it refuses a key that comes twice, be it in
// capitals: another program would take the other one, and the two would not have read the same.
func exactly(data []byte, into any) error {
	if !utf8.Valid(data) {
		return errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := value(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after the JSON value")
	}
	return json.Unmarshal(data, into)
}

// value reads one value and all that is in it.
func value(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return noJSON(err)
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return noJSON(err)
			}
			name, _ := key.(string)
			// As encoding/json compares the names of fields.
			folded := strings.ToUpper(strings.ToLower(name))
			if seen[folded] {
				return fmt.Errorf("the key %q comes twice", name)
			}
			seen[folded] = true
		}
		if err := value(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err = dec.Token(); err != nil { // the bracket that closes it
		return noJSON(err)
	}
	return nil
}

func noJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle of a JSON value")
	}
	return fmt.Errorf("it is not JSON: %w", err)
}
