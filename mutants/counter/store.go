package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// store is a Redis that is asked over one connection, which is made again when it has broken, unless
// it is made once.
type store struct {
	address string
	once    bool

	mu   sync.Mutex
	conn net.Conn
	in   *bufio.Reader
}

// answersWithin bounds connecting, and every answer.
const answersWithin = time.Second

// do sends a command and returns the answer (https://redis.io/docs/latest/develop/reference/protocol-spec/).
// A connection that has broken is made anew, once.
func (s *store) do(words ...string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for again := true; ; again = false {
		kept := s.conn != nil
		answer, err := s.ask(words)
		if err == nil || errors.As(err, new(refusal)) {
			return answer, err
		}
		s.close()
		if !again || !kept || s.once {
			return "", err
		}
	}
}

// refusal is an error that Redis itself tells.
type refusal string

func (r refusal) Error() string { return string(r) }

func (s *store) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

func (s *store) ask(words []string) (string, error) {
	if s.conn == nil {
		if s.once && s.in != nil {
			return "", errors.New("its connection has broken")
		}
		c, err := net.DialTimeout("tcp", s.address, answersWithin)
		if err != nil {
			return "", err
		}
		s.conn, s.in = c, bufio.NewReader(c)
	}
	if err := s.conn.SetDeadline(time.Now().Add(answersWithin)); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(s.conn, b.String()); err != nil {
		return "", err
	}
	line, err := s.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "-"):
		return "", refusal(line[1:])
	case line == "$-1": // there is none
		return "", nil
	case strings.HasPrefix(line, "$"):
		text, err := s.in.ReadString('\n')
		return strings.TrimSpace(text), err
	}
	return line[1:], nil
}
