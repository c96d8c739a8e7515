package server

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits are in characters, except for maxTags.
const (
	maxName = 100
	maxTag  = 32
	maxTags = 16
)

var contentTypes = []string{"image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"}

// draft is a reaction as a client asks for it.
type draft struct {
	Name        string   `json:"name"`
	Tags        []string `json:"tags"`
	ContentType string   `json:"content_type"`
}

// normalize brings the draft into the form that is stored, or says what is wrong with it.
func (d *draft) normalize() string {
	d.Name = strings.TrimSpace(d.Name)
	if !printable(d.Name, maxName) {
		return fmt.Sprintf("name must be 1 to %d printable characters", maxName)
	}
	if len(d.Tags) > maxTags {
		return fmt.Sprintf("tags must be at most %d", maxTags)
	}
	tags := []string{} // never null: the column isn't either
	for _, tag := range d.Tags {
		tag = strings.ToLower(strings.TrimSpace(tag))
		if !printable(tag, maxTag) {
			return fmt.Sprintf("each of tags must be 1 to %d printable characters", maxTag)
		}
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	d.Tags = slices.Compact(tags)
	if !slices.Contains(contentTypes, d.ContentType) {
		return "content_type must be one of " + strings.Join(contentTypes, ", ")
	}
	return ""
}

// printable also keeps out NUL, which Postgres's text type can't hold.
func printable(text string, limit int) bool {
	if text == "" || utf8.RuneCountInString(text) > limit {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
