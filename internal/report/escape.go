package report

import (
	"fmt"
	"strings"
)

// mdSpecial is what Markdown, HTML or a table's row reads as something else than text, and the colon
// and the stop that make links of addresses.
const mdSpecial = "&<>\"'`|\\*_[](){}~!:$"

// mdText makes text of an image or a pod show as it is, on one line, wherever GitHub and GitLab render
// Markdown. An empty comment after @ and # keeps them from calling people and issues.
func mdText(s string) string {
	var b strings.Builder
	for _, r := range Clean(s) {
		switch {
		case r == '\n':
			b.WriteString("<br>")
		case r == '@' || r == '#':
			fmt.Fprintf(&b, "%c<!-- -->", r)
		case strings.ContainsRune(mdSpecial, r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	// www.example and GH-7 are links, too.
	return nearLinks.Replace(b.String())
}

var nearLinks = strings.NewReplacer("www.", "www&#46;", "WWW.", "WWW&#46;", "Www.", "Www&#46;", "GH-", "GH&#45;<!-- -->", "gh-", "gh&#45;<!-- -->")

// mdCode is a span of code. Backticks would show what mdText writes for a character, and end a row's cell at a bar.
func mdCode(s string) string { return "<code>" + mdText(s) + "</code>" }
