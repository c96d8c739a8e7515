package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// policyFlags say what is asked of an image's proof.
type policyFlags struct {
	keys, require, platforms []string
	file, contract           string
	maxAge                   time.Duration
}

func (f *policyFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVar(&f.keys, "key", nil, "public key `FILE` (PEM) of whoever may sign; may be repeated")
	fl.StringVarP(&f.file, "file", "f", "", "read the gate's policy from this `FILE`; flags go before it")
	fl.StringVar(&f.contract, "contract", "", "judge the evidence by the contract in this `FILE` instead of the recorded one")
	fl.DurationVar(&f.maxAge, "max-age", contract.UsualMaxAge.Std(), "how long ago the run may have ended")
	fl.StringSliceVar(&f.require, "require", nil, "check `IDs`, with globs, whose promises must have been tried and be kept")
	fl.StringSliceVar(&f.platforms, "platform", nil, "`OS/ARCH` on which the image will run (default: all that it has)")
	complete(c, "require", checkIDs(check.Catalogue()))
}

// options are the policy's, and what flags say in its place.
func (f *policyFlags) options(c *cobra.Command) (attest.GateOptions, error) {
	o := attest.GateOptions{Version: version(), Now: time.Now()}
	var err error
	if f.file != "" {
		if o.Policy, err = loadPolicy(f.file); err != nil {
			return o, err
		}
	}
	p := &o.Policy
	keys := f.keys
	for _, k := range p.Keys {
		keys = append(keys, p.Path(k))
	}
	for _, file := range keys {
		k, err := attest.ReadPublicKey(file)
		if err != nil {
			return o, fmt.Errorf("--key: %w", err)
		}
		o.Keys = append(o.Keys, k)
	}
	given := c.Flags().Changed
	if given("max-age") {
		if f.maxAge <= 0 {
			return o, fmt.Errorf("--max-age %s is not above zero; write how long ago the run may have ended, such as 336h", f.maxAge)
		}
		p.MaxAge = contract.Duration(f.maxAge)
	}
	if given("require") {
		p.Require = f.require
		if len(p.Require) == 0 {
			return o, errors.New("--require '': an empty text does not name a check; leave the flag out, or write IDs such as 'termination/*'")
		}
		for _, glob := range p.Require {
			if err := check.Matches(glob); err != nil {
				return o, fmt.Errorf("--require: %w", err)
			}
		}
	}
	if given("platform") {
		p.Platforms = f.platforms
		if len(p.Platforms) == 0 {
			return o, errors.New("--platform '': write it as linux/amd64, or leave the flag out")
		}
	}
	for _, s := range p.Platforms {
		if !contract.IsPlatform(s) {
			return o, fmt.Errorf("--platform %q is not a platform; write it as linux/amd64", s)
		}
	}
	file := f.contract
	if file == "" && p.Contract != "" {
		file = p.Path(p.Contract)
	}
	if file != "" {
		given, err := loadContract(file)
		if err != nil {
			return o, err
		}
		o.Contract = &given
	}
	return o, nil
}

// loadPolicy reads a policy that requires checks that there are.
func loadPolicy(file string) (contract.Policy, error) {
	p, err := contract.LoadPolicy(file)
	if err != nil {
		return p, err
	}
	for i, glob := range p.Require {
		if err := check.Matches(glob); err != nil {
			return p, p.Mistake(fmt.Sprintf("require[%d]", i), "require: %v", err)
		}
	}
	return p, nil
}
