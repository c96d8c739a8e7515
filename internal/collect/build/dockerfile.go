package build

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"podproof.dev/podproof/internal/evidence"
)

// instructions are those of a Dockerfile. There are none where it cannot be read: what is
// wrong with it is the builder's to say, and its frontend may know more than this parser.
func instructions(file string) []evidence.Instruction {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	var out []evidence.Instruction
	stage, stages := "", 0
	for _, n := range parsed.AST.Children {
		if strings.EqualFold(n.Value, "FROM") {
			stage = stageOf(n, stages)
			stages++
		}
		whole := n.Original
		for _, h := range n.Heredocs {
			whole += "\n" + h.Content + h.Name
		}
		out = append(out, evidence.Instruction{Line: n.StartLine, Stage: stage, Text: whole})
	}
	return out
}

// stageOf is the name as BuildKit prints it: that after AS in lower case, or a number.
func stageOf(from *parser.Node, number int) string {
	var words []string
	for w := from.Next; w != nil; w = w.Next {
		words = append(words, w.Value)
	}
	if len(words) == 3 && strings.EqualFold(words[1], "AS") {
		return strings.ToLower(words[2])
	}
	return fmt.Sprintf("stage-%d", number)
}

// errorLine is where a message of BuildKit's parser has the line.
var errorLine = regexp.MustCompile(`\bparse error (?:on )?line (\d+)`)

// show prints the place of an error as BuildKit does. Engines up to 20.10 tell the place in
// words, or by the step that failed.
func show(file, message string, steps []evidence.BuildStep) []string {
	line := 0
	if m := errorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	for _, s := range steps {
		if line == 0 && s.Error != "" {
			line = s.Line
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || line == 0 {
		return nil
	}
	at := &pb.Position{Line: int32(line)}
	return printed(&errdefs.Source{Info: &pb.SourceInfo{Filename: filepath.Base(file), Data: text}, Ranges: []*pb.Range{{Start: at, End: at}}})
}

// stepNumber is the "3/12" of "[builder  3/12] COPY . .".
var stepNumber = regexp.MustCompile(`^\[[^\]]*?(\d+)/(\d+)\] `)

// locate says of each step where its instruction stands, and completes those with a
// here-document, of which BuildKit prints the beginning alone. BuildKit numbers a stage's
// steps; an ONBUILD of the base image comes before those of the Dockerfile, so that they
// are counted from the end.
func locate(steps []evidence.BuildStep, all []evidence.Instruction) {
	stages := map[string][]evidence.Instruction{}
	for _, in := range all {
		if in.Stage != "" && makesStep(in.Text) {
			stages[in.Stage] = append(stages[in.Stage], in)
		}
	}
	for i, s := range steps {
		m := stepNumber.FindStringSubmatch(s.Name)
		own, ok := stages[s.Stage]
		if s.Stage == "" && len(stages) == 1 {
			for _, own = range stages {
				ok = true
			}
		}
		if m == nil || !ok || strings.HasPrefix(s.Instruction, "ONBUILD ") {
			continue
		}
		number, _ := strconv.Atoi(m[1])
		total, _ := strconv.Atoi(m[2])
		at := len(own) - 1 - (total - number)
		if at < 0 || !sameKeyword(own[at].Text, s.Instruction) {
			continue // FROM, or a frontend that counts differently
		}
		steps[i].Line = own[at].Line
		if strings.Contains(s.Instruction, "<<") {
			steps[i].Instruction = own[at].Text
		}
	}
}

var stepKeywords = []string{"RUN", "COPY", "ADD", "WORKDIR"}

func keyword(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return strings.ToUpper(word)
}

func makesStep(text string) bool { return slices.Contains(stepKeywords, keyword(text)) }

func sameKeyword(a, b string) bool { return keyword(a) == keyword(b) }
