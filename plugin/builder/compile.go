package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// target is what is compiled, for whom.
type target struct {
	out  string
	tags []string // that the user asks for, such as pkcs11
}

// origin names what an orderer was made of.
func (p *project) origin(s *source) string {
	return fmt.Sprintf("%s with fabric-kafka %s (%s)", s.version, p.version, p.commit)
}

// fabricCommit is the commit that binaries name: Fabric's own, where its tree has one, and ours otherwise.
func (p *project) fabricCommit(s *source) string {
	if s.release != nil {
		return s.commit
	}
	return p.commit
}

// compileOrderer builds the orderer with the patched main.
func (p *project) compileOrderer(s *source, t target) error {
	flags := append(s.moduleFlags(), "-overlay", s.overlayFile())
	return p.compile(p.root, t, append(s.tags(), t.tags...), append(flags, p.stampFlags(s, p.origin(s))...), fabricModule+"/cmd/orderer")
}

// compileTools builds commands as they are: those of a tree with the tree's own modules.
func (p *project) compileTools(s *source, t target, names []string) error {
	if s.release == nil {
		return p.compile(p.root, t, t.tags, append(s.moduleFlags(), p.stampFlags(s, p.origin(s))...), commands(names)...)
	}
	mode := "-mod=readonly"
	if s.release.vendored() {
		mode = "-mod=vendor"
	}
	return p.compile(s.origin, t, t.tags, append([]string{mode}, p.stampFlags(s, s.version)...), commands(names)...)
}

func commands(names []string) []string {
	var packages []string
	for _, name := range names {
		packages = append(packages, fabricModule+"/cmd/"+name)
	}
	return packages
}

func (s *source) moduleFlags() []string { return []string{"-modfile", s.modFile()} }

// stampFlags let a command print its version and commit.
func (p *project) stampFlags(s *source, version string) []string {
	return []string{"-ldflags", fmt.Sprintf("-s -w -X '%[1]s/common/metadata.Version=%[2]s' -X '%[1]s/common/metadata.CommitSHA=%[3]s'",
		fabricModule, version, p.fabricCommit(s))}
}

// compile builds packages in a folder, and moves the binaries to their place when all are complete.
func (p *project) compile(dir string, t target, tags, flags []string, packages ...string) error {
	if err := os.MkdirAll(t.out, 0o755); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(t.out, ".partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", partial + string(filepath.Separator)}, flags...)
	if len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	if _, err := p.output(dir, "go", append(args, packages...)...); err != nil {
		return err
	}
	built, err := os.ReadDir(partial)
	if err != nil {
		return err
	}
	for _, b := range built {
		if err := os.Rename(filepath.Join(partial, b.Name()), filepath.Join(t.out, b.Name())); err != nil {
			return err
		}
	}
	return nil
}
