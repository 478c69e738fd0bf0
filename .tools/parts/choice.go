package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is what to run, of what there is. Empty means all.
type choice struct {
	allParts, allVersions []string
	once                  []string // parts that run once, for all versions together
	parts, versions       []string
}

// together replaces the version of a part that runs once.
const together = "all"

// check returns an error for an unknown part or version.
func (c choice) check() error {
	known := slices.Concat(c.allParts, c.once)
	for _, p := range c.parts {
		if !slices.Contains(known, p) {
			return fmt.Errorf("there is no part %q; there are %s", p, strings.Join(known, ", "))
		}
	}
	for _, v := range c.versions {
		if !slices.ContainsFunc(c.allVersions, func(known string) bool { return of(v, known) }) {
			return fmt.Errorf("there is no version %q; there are %s", v, strings.Join(c.allVersions, ", "))
		}
	}
	return nil
}

// of reports whether a version is a known one, or one of its releases.
func of(version, known string) bool { return version == known || strings.HasPrefix(version, known+".") }

// results returns the parts to run, in order: one version after the other, then those that run once.
func (c choice) results() (all []*result) {
	add := func(part, version string) { all = append(all, &result{part: part, version: version, fault: "not run"}) }
	for _, v := range or(c.versions, c.allVersions) {
		for _, p := range or(c.parts, c.allParts) {
			if !slices.Contains(c.once, p) {
				add(p, v)
			}
		}
	}
	for _, p := range c.once {
		if len(c.parts) == 0 || slices.Contains(c.parts, p) {
			add(p, together)
		}
	}
	return all
}

// leftOut returns the parts and versions that were not chosen.
func (c choice) leftOut() (all []string) {
	if out := without(c.allVersions, c.versions); len(out) > 0 {
		all = append(all, "VERSION is set: nothing ran on "+strings.Join(out, ", "))
	}
	if out := without(slices.Concat(c.allParts, c.once), c.parts); len(out) > 0 {
		all = append(all, "PART is set: without "+strings.Join(out, ", "))
	}
	return all
}

// without returns what was not chosen; nothing if the choice is empty.
func without(all, chosen []string) (rest []string) {
	for _, a := range all {
		if len(chosen) > 0 && !slices.ContainsFunc(chosen, func(c string) bool { return of(c, a) }) {
			rest = append(rest, a)
		}
	}
	return rest
}

func or(chosen, all []string) []string {
	if len(chosen) > 0 {
		return chosen
	}
	return all
}
