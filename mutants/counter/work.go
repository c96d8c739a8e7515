package main

import (
	"context"
	"log"
	"time"
)

// pollEvery is the time between two looks for a job.
const pollEvery = 250 * time.Millisecond

// work takes jobs until the context ends. It outlives a Redis that is away.
func work(ctx context.Context, redis string) error {
	s := &store{address: redis}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	log.Print("waiting for jobs")
	lost := false
	for {
		select {
		case <-ctx.Done():
			log.Print("ended")
			return nil
		case <-tick.C:
		}
		job, err := s.do("LPOP", "jobs")
		switch {
		case err != nil && !lost:
			log.Print("no jobs: the store does not answer")
		case err == nil && lost:
			log.Print("waiting for jobs again")
		case job != "":
			log.Print("done: ", job)
		}
		lost = err != nil
	}
}
