package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/recall"
	"podproof.dev/podproof/internal/report"
)

// manyFlags are those of several contracts.
type manyFlags struct {
	files    []string
	parallel int
}

// one chooses the contract where there is one, and tells whether there is.
func (f *verifyFlags) one() (bool, error) {
	switch {
	case len(f.files) > 1:
		return false, nil
	case f.parallel != 0:
		return true, errors.New("--parallel is about several contracts; give -f for each of them")
	case len(f.files) == 1:
		f.file = f.files[0]
	}
	names, err := contractNames([]string{cmp.Or(f.file, contract.DefaultFile)})
	if err != nil {
		return true, err
	}
	f.fill(names[0])
	return true, nil
}

// fill puts a contract's name where the names of files have a place for it.
func (f *verifyFlags) fill(name string) {
	for i, o := range f.outputs {
		f.outputs[i] = report.FileOf(o, name)
	}
	f.evidence, f.waiversTo = report.FileOf(f.evidence, name), report.FileOf(f.waiversTo, name)
}

// manyRun is a run of several contracts, as far as it has come.
type manyRun struct {
	*verifyFlags
	names     []string
	flags     []*verifyFlags // of each
	options   []pipeline.Options
	memories  []*recall.Memory
	each, all report.Outputs
	console   report.Console
	progress  *report.Progress

	mu   sync.Mutex // stopped runs tell what they know side by side
	ones report.Several
	open int // contracts that nothing is known of yet
	errs []error
	said bool // the documents of all are written
}

// runMany verifies several contracts in one cluster, and tells each as soon as it is known.
func (f *verifyFlags) runMany(ctx context.Context, image string) error {
	m := manyRun{verifyFlags: f}
	outs, err := m.prepare(image)
	if err != nil {
		return usage(err)
	}
	stream := outs.ProgressTo(os.Stdout, os.Stderr)
	m.console = f.console(stream, "verify")
	m.progress = report.NewProgress(stream, m.console)
	defer m.progress.Close()
	m.console.Live = false // a report is no line that is drawn again
	runs, err := runsDir()
	if err != nil {
		return couldNot(err)
	}
	cache, err := cacheDir()
	if err != nil {
		return couldNot(err)
	}
	for i := range m.options {
		o := &m.options[i]
		tell := m.progress.Of(m.names[i])
		o.Runs, o.Cache, o.Timeout, o.Tell, o.Debug = runs, cache, f.timeout, tell, func(string) {}
		if f.verbose {
			o.Debug = tell.Note
		}
		o.Cut = func(r pipeline.Result) { m.tell(ctx, i, r) }
		memory, err := f.again.memory(o)
		if err != nil {
			return couldNot(err)
		}
		m.memories = append(m.memories, memory)
	}
	err = pipeline.VerifyAll(ctx, m.options, f.parallel, func(i int, r pipeline.Result, err error) { m.done(ctx, i, r, err) })
	m.progress.Close()
	var input *pipeline.InputError
	switch {
	case errors.As(err, &input):
		return usage(err)
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return couldNot(explainDisk(err))
	}
	return m.end(ctx)
}

// prepare reads all that was asked for, and says at once what is wrong with it.
func (m *manyRun) prepare(image string) (outs report.Outputs, err error) {
	f := m.verifyFlags
	if image != "" {
		return nil, errOneImage(image)
	}
	if err := f.ofOne(); err != nil {
		return nil, err
	}
	if f.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %s: give a time above zero, such as 10m", f.timeout)
	}
	if err := f.again.read(); err != nil {
		return nil, err
	}
	if f.parallel < 0 || f.parallel > 1 && f.where.namespace != "" {
		return nil, fmt.Errorf("--parallel %d: give a number above zero; in one --namespace contracts are verified one after the other, as their objects have the same names", f.parallel)
	}
	if m.names, err = contractNames(f.files); err != nil {
		return nil, err
	}
	if outs, err = report.ParseOutputs(f.outputs); err != nil {
		return nil, err
	}
	if m.each, m.all, err = outs.ForSeveral(); err != nil {
		return nil, err
	}
	var wrong []error
	for i, file := range f.files {
		own := *f
		own.file = file
		own.evidence, own.waiversTo = report.FileOf(f.evidence, m.names[i]), report.FileOf(f.waiversTo, m.names[i])
		o, err := own.options("")
		var mistake *contract.Error
		if err != nil && !errors.As(err, &mistake) {
			return nil, err // as of every contract
		}
		wrong = append(wrong, err)
		m.flags, m.options = append(m.flags, &own), append(m.options, o)
		m.ones = append(m.ones, report.One{Name: m.names[i]})
	}
	m.open = len(m.ones)
	return outs, errors.Join(append(wrong, f.checkMany(outs, m.names))...)
}

// ofOne refuses flags that are about one contract.
func (f *verifyFlags) ofOne() error {
	switch {
	case len(f.manifests) > 0:
		return errors.New("-m is for one contract: with several each names its own `manifests`")
	case f.attest.image != "":
		return errors.New("--attest is for one contract: keep the records with --evidence run-{}.json, and `podproof attest` each of them")
	}
	return nil
}

// errOneImage refuses an IMAGE beside several contracts.
func errOneImage(image string) error {
	return fmt.Errorf("IMAGE %s is for one contract: with several each names its own, by `image` or `build`", image)
}

// slots wants a place for the contract's name in the names of files of which each contract has its own.
func (f *judgeFlags) slots() error {
	for _, x := range [][2]string{{"evidence", f.evidence}, {"write-waivers", f.waiversTo}} {
		if flag, file := x[0], x[1]; file != "" && !report.HasSlot(file) {
			ext := filepath.Ext(file)
			return fmt.Errorf("--%s %s: each contract has a file of its own; write --%s %s-{}%s, where {} is the contract's name", flag, file, flag, strings.TrimSuffix(file, ext), ext)
		}
	}
	return nil
}

// checkMany is checkFiles for several contracts.
func (f *judgeFlags) checkMany(outs report.Outputs, names []string) error {
	each, all, err := outs.ForSeveral()
	if err == nil {
		err = f.slots()
	}
	if err != nil {
		return err
	}
	errs := []error{all.Check()}
	for _, name := range names {
		own := *f
		own.evidence, own.waiversTo = report.FileOf(f.evidence, name), report.FileOf(f.waiversTo, name)
		errs = append(errs, own.checkFiles(each.Of(name)))
	}
	return errors.Join(errs...)
}

// tell reports one contract.
func (m *manyRun) tell(ctx context.Context, i int, result pipeline.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, o := m.flags[i], m.options[i]
	if o.Job != nil {
		f.keptIn = keptInJob(o, result)
	}
	r := report.New(result.Contract, result.Evidence, check.Judge(o.Selected, result.Contract, result.Evidence)).Among(m.names[i])
	var ids []string
	for _, s := range o.Selected {
		ids = append(ids, s.ID)
	}
	err := f.keepEvidence(&r, report.NewRecord(result.Contract, ids, result.Evidence), r.ExitCode() != exitPass)
	r = answeredBy(r, result)
	err = errors.Join(err, m.each.Of(m.names[i]).Write(r, m.progress, m.console), f.writeWaivers(r))
	if err != nil {
		m.errs = append(m.errs, fmt.Errorf("%s: %w", m.names[i], err))
	}
	if result.Kept != "" {
		fmt.Fprintln(os.Stderr, result.Kept)
	}
	f.tellJob(context.WithoutCancel(ctx), o, result)
	if r.ExitCode() == exitPass && len(m.memories) > 0 {
		remember(m.memories[i], o, result)
	}
	m.set(i, report.One{Report: &r, Seconds: r.Run.Finished.Sub(r.Run.Started).Seconds()})
}

// set takes down what is known of a contract.
func (m *manyRun) set(i int, one report.One) {
	one.Name = m.names[i]
	m.ones[i] = one
	m.open--
}

// done takes down how a contract's run ended. Whoever stopped all of them may not wait for the clean-up.
func (m *manyRun) done(ctx context.Context, i int, r pipeline.Result, err error) {
	var input *pipeline.InputError
	var stopped *pipeline.Stopped
	told := m.known(i)
	switch {
	case err == nil:
		m.tell(ctx, i, r)
	case told && errors.As(err, &stopped):
	default:
		seconds := 0.0
		if r.Evidence.Run.ID != "" {
			seconds = r.Evidence.Run.Finished.Sub(r.Evidence.Run.Started).Seconds()
		}
		if !errors.As(err, &stopped) {
			m.options[i].Tell.Note(err.Error())
		}
		m.mu.Lock()
		m.set(i, report.One{Error: explainDisk(err).Error(), Wrong: errors.As(err, &input), Seconds: seconds})
		m.mu.Unlock()
	}
	if ctx.Err() != nil {
		m.whole()
	}
}

func (m *manyRun) known(i int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ones[i].Report != nil
}

// whole writes the documents of all contracts, once something is known of each.
func (m *manyRun) whole() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open > 0 || m.said {
		return
	}
	m.said = true
	if err := m.all.WriteSeveral(m.ones, os.Stdout, m.console); err != nil {
		m.errs = append(m.errs, err)
	}
}

// end tells all contracts in a table, and turns them into the exit code.
func (m *manyRun) end(ctx context.Context) error {
	m.whole()
	if err := m.ones.Table(m.progress, m.console); err != nil {
		m.errs = append(m.errs, err)
	}
	code := m.ones.ExitCode()
	switch err := errors.Join(m.errs...); {
	case ctx.Err() != nil:
		return exitError{exitInterrupted, errors.Join(err, fmt.Errorf("the run was %w; what it had created is removed", context.Cause(ctx)))}
	case err != nil:
		return exitError{cmp.Or(code, exitInconclusive), explainDisk(err)}
	case code != exitPass:
		return exitError{code: code}
	}
	return nil
}

// planMany says of each contract what a run would do.
func (f *verifyFlags) planMany(ctx context.Context, image string) error {
	names, err := contractNames(f.files)
	if err == nil {
		err = f.ofOne()
	}
	if err == nil && image != "" {
		err = errOneImage(image)
	}
	if err != nil {
		return usage(err)
	}
	var worst report.Several
	var errs []error
	for i, file := range f.files {
		fmt.Printf("Contract %s\n", report.Clean(names[i]))
		own := *f
		own.file = file
		var code exitError
		switch err := own.plan(ctx, ""); {
		case errors.As(err, &code):
			worst = append(worst, report.One{Wrong: code.code == exitUsage})
			errs = append(errs, fmt.Errorf("%s: %w", names[i], code.err))
		case err != nil:
			return err
		}
	}
	if len(errs) > 0 {
		return exitError{worst.ExitCode(), errors.Join(errs...)}
	}
	return nil
}
