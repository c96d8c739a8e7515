package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A machine that does other things at the same time is waited for, for a while.
const (
	quiet    = 0.2 // of its processors
	sample   = 3 * time.Second
	patience = time.Minute
)

// settle waits until other processes are quiet. Where they are not in time, the table tells.
func settle(ctx context.Context) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		before := busySeconds()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(sample):
		}
		if busySeconds()-before < quiet*sample.Seconds()*float64(runtime.NumCPU()) {
			return nil
		}
	}
	fmt.Fprintln(os.Stderr, "[bench] The machine does not come to rest.")
	return nil
}

// busySeconds is how long all processors together have worked since the machine started.
func busySeconds() float64 {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	const ticks = 100 // a second, on every Linux that Go runs on
	sum := 0.0
	for i, f := range strings.Fields(line)[1:] {
		if n, err := strconv.ParseFloat(f, 64); err == nil && i != 3 && i != 4 && i < 8 { // idle, and waiting for a disk; guests count twice
			sum += n
		}
	}
	return sum / ticks
}

func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}
