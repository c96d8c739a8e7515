package node

import (
	"context"
	"errors"
	"os/exec"
)

// Refuse makes a pod's network answer each TCP packet from outside with a reset, or no more, by
// the programs that filter packets there: iptables, ip6tables. Who listens there need not be
// known, new connections are refused, and open ones end with their next packet. The rule goes
// with the pod, whatever becomes of podproof. It tells whether the pod has a process.
func (h Host) Refuse(ctx context.Context, o Owner, on bool, filters []string) (found bool, err error) {
	n, found, err := h.network(o)
	if !found || err != nil {
		return found, err
	}
	for _, filter := range filters {
		if err := n.reject(ctx, filter, on); err != nil {
			return true, err
		}
	}
	return true, nil
}

// reject adds the rule where it is not there, or removes it as often as it is.
func (n network) reject(ctx context.Context, filter string, on bool) error {
	rule := func(do string) error {
		_, err := n.run(ctx, filter, "-w", "5", do, "INPUT", "!", "-i", "lo", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")
		return err
	}
	for {
		there, err := answered(rule("-C"))
		switch {
		case err != nil:
			return err
		case on && there || !on && !there:
			return nil
		case on:
			return rule("-I")
		}
		if err := rule("-D"); err != nil {
			return err
		}
	}
}

// answered tells a filter's "no such rule", its exit status 1, from a question that it could not
// answer, for example because another program held its lock.
func answered(err error) (bool, error) {
	if no := (*exec.ExitError)(nil); errors.As(err, &no) && no.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}
