package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Catch is the outcome of hunting a mutant.
type Catch struct {
	Mutant
	Checker string // the invariant that caught it; empty if none did
	Runs    int    // seeds that were run
	Err     error  // why it could not be hunted
}

// hang is how long a mutant may run. One that runs longer is not caught by a checker,
// and counts as a failure.
const hang = 5 * time.Minute

// Hunt compiles each mutant and runs it, for at most this many seeds, until a checker
// catches it. root is the root of the repository.
func Hunt(ctx context.Context, root string, all []Mutant, seeds uint64, progress io.Writer) []Catch {
	catches := make([]Catch, len(all))
	slots := make(chan struct{}, 2)
	var mu sync.Mutex
	var hunts sync.WaitGroup
	for i, m := range all {
		slots <- struct{}{}
		hunts.Go(func() {
			defer func() { <-slots }()
			catches[i] = hunt(ctx, root, m, seeds)
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(progress, catches[i])
		})
	}
	hunts.Wait()
	return catches
}

func hunt(ctx context.Context, root string, m Mutant, seeds uint64) Catch {
	ctx, cancel := context.WithTimeout(ctx, hang)
	defer cancel()
	c := Catch{Mutant: m}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		c.Err = err
		return c
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		c.Err = err
		return c
	}
	if len(m.Tests) > 0 {
		c.Checker, c.Err = test(ctx, root, overlay, m.Tests)
		return c
	}
	program, err := build(ctx, root, dir, overlay)
	if err != nil {
		c.Err = err
		return c
	}
	out, err := exec.CommandContext(ctx, program, "hunt", "--seeds", fmt.Sprint(seeds)).CombinedOutput()
	if err != nil {
		c.Err = fmt.Errorf("it ended with %w: %s", err, last(out))
		return c
	}
	if n, _ := fmt.Sscan(string(out), &c.Runs, &c.Checker); n == 0 { // the checker is missing if none caught it
		c.Err = fmt.Errorf("its output cannot be parsed: %s", last(out))
	}
	return c
}

// overlay writes the overlay that has the mutant, and returns its file.
func (m Defect) overlay(root, dir string) (file string, err error) {
	original, mutated, err := m.apply(root, dir)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, overlay, 0o644)
}

// build compiles the simulation with an overlay.
func build(ctx context.Context, root, dir, overlay string) (program string, err error) {
	program = filepath.Join(dir, "mutant")
	c := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, "./integration/sim/run")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not compile: %s", last(out))
	}
	return program, nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// test runs unit tests with an overlay, up to the first package in which one fails, and returns its name; an empty name if all pass.
func test(ctx context.Context, root, overlay string, packages []string) (name string, err error) {
	for _, p := range packages {
		c := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-count", "1", "-failfast", p)
		c.Dir = root
		out, err := c.CombinedOutput()
		switch failed := failure.FindSubmatch(out); {
		case err == nil:
		case failed == nil:
			return "", fmt.Errorf("its tests ended with %w: %s", err, last(out))
		default:
			return string(failed[1]), nil
		}
	}
	return "", nil
}

func last(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " | ")
}

// String returns a line about the catch.
func (c Catch) String() string {
	switch {
	case c.Err != nil:
		return fmt.Sprintf("%s: %v", c.Name, c.Err)
	case c.Checker == "" && len(c.Tests) > 0:
		return fmt.Sprintf("%s survived the tests of %s", c.Name, strings.Join(c.Tests, ", "))
	case len(c.Tests) > 0:
		return fmt.Sprintf("%s was caught by %s", c.Name, c.Checker)
	case c.Checker == "":
		return fmt.Sprintf("%s survived %d seeds", c.Name, c.Runs)
	}
	return fmt.Sprintf("%s was caught by %s after %d seeds", c.Name, c.Checker, c.Runs)
}

// Report prints a table of the catches. It returns an error if a mutant survived.
func Report(catches []Catch, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "mutant\tchecker\tseeds\twhat it does wrong")
	survived := 0
	for _, c := range catches {
		checker := c.Checker
		if c.Err != nil || checker == "" {
			checker = "NONE"
			survived++
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", c.Name, checker, c.Runs, c.Sentence)
	}
	t.Flush()
	fmt.Fprintf(out, "%d mutants, %d caught\n", len(catches), len(catches)-survived)
	if survived > 0 {
		return fmt.Errorf("%d mutants survived: a checker is missing, or a world that shows what they do", survived)
	}
	return nil
}
