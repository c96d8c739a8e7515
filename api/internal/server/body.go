package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// decode reads one JSON value, and answers with what is wrong when it returns false.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if mediaType(r) != jsonType {
		fail(w, http.StatusUnsupportedMediaType, "the body must be "+jsonType)
		return false
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return true
		}
		if err == nil {
			err = errors.New("there is more after the JSON value")
		}
	}
	failBody(w, err)
	return false
}

// failBody answers for a body that could not be read. Encoding/json's errors tell a client
// where it went wrong.
func failBody(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must not be larger than %d bytes", tooLarge.Limit))
		return
	}
	fail(w, http.StatusBadRequest, "the body can't be read: "+err.Error())
}
