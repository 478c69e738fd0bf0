package main

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"go.yaml.in/yaml/v3"
)

const linterFile = ".golangci.yml"

// rule is a rule of depguard that lists all that some files may import of ours.
type rule struct {
	name          string
	files, except []glob.Glob
	allow         []string // paths of packages below the root; one that ends in $ is no prefix
}

// depguard is the part of the linter's configuration that has the rules.
type depguard struct {
	Linters struct {
		Settings struct {
			Depguard struct {
				Rules map[string]struct {
					Files    []string
					ListMode string `yaml:"list-mode"`
					Allow    []string
					Deny     []struct{ Pkg string }
				}
			}
		}
	}
}

// readRules returns those rules of the linter's configuration that allow nothing of ours but what they list:
// those of list mode strict, and those that deny the module.
func readRules(root fs.FS) ([]*rule, error) {
	text, err := fs.ReadFile(root, linterFile)
	if err != nil {
		return nil, err
	}
	var config depguard
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", linterFile, err)
	}
	var all []*rule
	written := config.Linters.Settings.Depguard.Rules
	for _, name := range slices.Sorted(maps.Keys(written)) {
		w, r := written[name], &rule{name: name}
		if w.ListMode != "strict" && !slices.ContainsFunc(w.Deny, func(d struct{ Pkg string }) bool { return d.Pkg == module }) {
			continue
		}
		for _, pattern := range w.Files {
			if err := r.match(pattern); err != nil {
				return nil, fmt.Errorf("%s: rule %s: %q: %w", linterFile, name, pattern, err)
			}
		}
		for _, a := range w.Allow {
			if ours, is := strings.CutPrefix(a, module+"/"); is {
				r.allow = append(r.allow, ours)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// match adds a pattern of files, as depguard reads it.
func (r *rule) match(pattern string) error {
	into := &r.files
	if rest, is := strings.CutPrefix(pattern, "!"); is {
		into, pattern = &r.except, rest
	}
	pattern = strings.NewReplacer("${config-path}", "", "$test", "**/*_test.go", "$all", "**/*.go").Replace(pattern)
	g, err := glob.Compile(pattern, '/')
	*into = append(*into, g)
	return err
}

// applies reports whether the rule is one for a file.
func (r *rule) applies(file string) bool {
	matches := func(g glob.Glob) bool { return g.Match("/" + file) }
	return slices.ContainsFunc(r.files, matches) && !slices.ContainsFunc(r.except, matches)
}

// allows reports whether an entry of the rule's list is one for a package.
func allows(entry, imported string) bool {
	if exact, is := strings.CutSuffix(entry, "$"); is {
		return imported == exact
	}
	return strings.HasPrefix(imported, entry)
}

// checkImports returns a finding for each file of a shipped package that no rule is for, each import that a
// rule does not allow, and each entry of a rule that no import needs.
func checkImports(all, ships packages, rules []*rule) (found []string) {
	used := map[string]bool{}
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		var free []string // files without a rule
		for _, s := range all[dir] {
			governed := s.test()
			for _, r := range rules {
				if r.applies(s.name) {
					governed = true
					found = append(found, r.check(s, used)...)
				}
			}
			if !governed {
				free = append(free, path.Base(s.name))
			}
		}
		if ships[dir] != nil && len(free) > 0 {
			found = append(found, fmt.Sprintf("%s: no rule of depguard lists what %s may import of ours: write one (%s)", linterFile, dir, strings.Join(free, ", ")))
		}
	}
	return append(found, unused(rules, used)...)
}

// unused returns a finding for each entry of a rule that is not among those used.
func unused(rules []*rule, used map[string]bool) (found []string) {
	for _, r := range rules {
		for _, entry := range r.allow {
			if !used[r.name+" "+entry] {
				found = append(found, fmt.Sprintf("%s: rule %s allows %s, which none of its files imports: remove it", linterFile, r.name, entry))
			}
		}
	}
	return found
}

// check returns a finding for each import of a file that the rule does not allow, and marks the entries that
// the others use.
func (r *rule) check(s *source, used map[string]bool) (found []string) {
	for _, i := range s.imports {
		allowed := false
		for _, entry := range r.allow {
			if allows(entry, i) {
				allowed, used[r.name+" "+entry] = true, true
			}
		}
		if !allowed {
			found = append(found, fmt.Sprintf("%s: imports %s, which rule %s of %s does not allow", s.name, i, r.name, linterFile))
		}
	}
	return found
}
