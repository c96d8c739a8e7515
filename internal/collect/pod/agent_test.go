package pod

import (
	"io"
	"strings"
	"testing"
)

// What an answer says of a Secret does not reach the evidence, whichever trial asked.
func TestLoadRedactsAnswers(t *testing.T) {
	l := &Load{redact: strings.NewReplacer("hunter2", "[masked]").Replace, changed: make(chan struct{}), ended: make(chan struct{})}
	out, agent := io.Pipe()
	go l.read(out)
	if _, err := io.WriteString(agent, `{"outcome":{"head":"X-Key: hunter2","body":"key=hunter2"}}`+"\n"+`{"done":true}`+"\n"); err != nil {
		t.Fatal(err)
	}
	agent.Close()
	<-l.ended
	if l.err != nil || len(l.outcomes) != 1 || l.outcomes[0].Head != "X-Key: [masked]" || l.outcomes[0].Body != "key=[masked]" {
		t.Errorf("%+v, %v", l.outcomes, l.err)
	}
}
