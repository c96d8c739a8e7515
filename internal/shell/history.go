package shell

import (
	"regexp"
	"strconv"
	"strings"
)

// Instruction is one line of an image's history, taken apart. Builders write it in
// several forms:
//
//	ENV K=V                                     BuildKit
//	RUN |2 A=1 B=2 /bin/sh -c make # buildkit   BuildKit, with build arguments
//	|1 A=1 /bin/sh -c make                      the classic builder
//	/bin/sh -c #(nop)  ENV K=V                  the classic builder, no command run
//	|2 A=1|B=2 /bin/sh -c make                  buildah
type Instruction struct {
	// Keyword is the Dockerfile's: "ENV"; "RUN" for a bare command line.
	Keyword string
	// Args are the build arguments of a RUN; empty in every other instruction.
	Args Span
	// Body is what follows.
	Body Span
}

var (
	nopMark    = regexp.MustCompile(`^\S*sh -c #\(nop\)\s*`)
	keywordRE  = regexp.MustCompile(`^(?i)(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)(\s+|$)`)
	argCountRE = regexp.MustCompile(`^\|(\d+)\s`)
	// shellStart is where the command line begins after build arguments.
	shellStart = regexp.MustCompile(`\s(?:/\S+|(?:ba|da|a|z)?sh|cmd|powershell|pwsh)(?:\s|$)`)
	runFlag    = regexp.MustCompile(`^--(?:mount|network|security|device)=\S+\s*`)
)

// ParseHistory takes a line of history, or an instruction of a Dockerfile, apart.
func ParseHistory(line string) Instruction {
	end := len(strings.TrimRight(line, " \t\n"))
	end = len(strings.TrimRight(strings.TrimSuffix(line[:end], "# buildkit"), " \t\n"))
	start := min(len(line)-len(strings.TrimLeft(line, " \t\n")), end)
	if m := nopMark.FindString(line[start:end]); m != "" {
		start += len(m)
	}
	in := Instruction{Keyword: "RUN", Args: Span{start, start}}
	if m := keywordRE.FindStringSubmatch(line[start:end]); m != nil {
		in.Keyword = strings.ToUpper(m[1])
		start += len(m[0])
	}
	if in.Keyword == "RUN" {
		start = in.buildArgs(line, start, end)
		for m := runFlag.FindString(line[start:end]); m != ""; m = runFlag.FindString(line[start:end]) {
			start += len(m)
		}
	}
	in.Body = Span{start, end}
	return in
}

// buildArgs sets the span of "A=1 B=2" after "|2" and returns where the command begins.
// Values are not quoted in it and may hold spaces: the last one ends at the shell.
func (in *Instruction) buildArgs(line string, start, end int) int {
	in.Args = Span{start, start}
	m := argCountRE.FindStringSubmatch(line[start:end])
	if m == nil {
		return start
	}
	start += len(m[0])
	in.Args = Span{start, end}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return end
	}
	last := start
	if names := pairStart.FindAllStringIndex(in.Args.Of(line), n); len(names) > 0 {
		last = start + names[len(names)-1][1]
	}
	if loc := shellStart.FindStringIndex(line[last:end]); loc != nil {
		in.Args.End = last + loc[0]
	}
	return in.Args.End
}

// Pair is one NAME=VALUE of an ENV, ARG or LABEL.
type Pair struct{ Name, Value Span }

// pairStart is a name with its "=", at the start of a text, after white space, or after
// the "|" with which buildah joins build arguments.
var pairStart = regexp.MustCompile(`(?:^|[\s|])["']?([A-Za-z_][A-Za-z0-9_./-]*)["']?=`)

// Pairs reads the body of an ENV, ARG or LABEL. History holds values without their
// quotes, so a value runs to the next name; a Dockerfile's own quotes are taken off.
func Pairs(text string, in Span) []Pair {
	body := in.Of(text)
	starts := pairStart.FindAllStringSubmatchIndex(body, -1)
	if len(starts) == 0 || strings.TrimSpace(body[:starts[0][0]]) != "" {
		return legacyPair(text, in)
	}
	var out []Pair
	for i, s := range starts {
		end := len(body)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		end = s[1] + len(strings.TrimRight(body[s[1]:end], " \t\n"))
		value := Unquote(text, Span{in.Start + s[1], in.Start + end})
		out = append(out, Pair{Span{in.Start + s[2], in.Start + s[3]}, value})
	}
	return out
}

// legacyPair reads "ENV NAME a value", which a Dockerfile may still say.
func legacyPair(text string, in Span) []Pair {
	body := in.Of(text)
	i := strings.IndexAny(body, " \t")
	if i < 0 {
		return nil
	}
	value := strings.TrimLeft(body[i:], " \t")
	return []Pair{{Span{in.Start, in.Start + i}, Unquote(text, Span{in.End - len(value), in.End})}}
}
