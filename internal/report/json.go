package report

import (
	"encoding/json"
	"io"
)

// WriteJSON writes the report as the Schema describes it.
func WriteJSON(w io.Writer, r Report, _ Console) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}
