package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin"
)

// Every command that an error, a document, a setting or an alert mentions exists and has
// these flags. Commands for operators of any cluster are those of osnkafka.
func TestCommandsInTexts(t *testing.T) {
	found := map[string]int{}
	for _, file := range texts(t) {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mentions(string(text)) {
			found[m.tool]++
			if err := m.fault(); err != nil {
				t.Errorf("%s: %s %s: %v", file, m.tool, strings.Join(m.args, " "), err)
			}
		}
	}
	if found["osnkafka"] < 40 || found["go run ./network"] < 8 || found["network"] > 5 {
		t.Errorf("mentions are %v: too few, or commands of network where osnkafka is meant", found)
	}
}

// texts returns the files that people read, except the changelog.
func texts(t *testing.T) (files []string) {
	t.Helper()
	read := []string{".go", ".md", ".yaml", ".yml", ".json", ".proto", ""}
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir(), d.Name() == "CHANGELOG.md", strings.HasSuffix(path, "_test.go"):
		case slices.Contains(read, filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// mention is a command line in a text.
type mention struct {
	tool string // osnkafka, go run ./network, or network
	args []string
}

// operators matches the commands that work on any cluster.
const operators = "preflight|prune|repin|upgrade-rules|verify|topic|genesis|progress"

var (
	// spelled matches command lines: at the start of an indented line, in backticks, or after
	// punctuation that introduces one.
	spelled = regexp.MustCompile("(?m)(?:^ {4,}|[`\"]|\\bwith: |  |; |: |\\()(osnkafka|go run \\./network)((?: +[^ \n`\"|]+)+)")
	// short matches an operators' command of network without the prefix "go run ./".
	short = regexp.MustCompile("\\b(network) ((?:" + operators + ")\\b[^`\n\"]*)`")
)

// mentions finds command lines in a text. Lines that continue are joined.
func mentions(text string) (all []mention) {
	text = regexp.MustCompile(`\\+\n(?:" \+\n\s*")?\s*`).ReplaceAllString(text, " ")
	for _, m := range append(spelled.FindAllStringSubmatch(text, -1), short.FindAllStringSubmatch(text, -1)...) {
		if args := strings.Fields(m[2]); plausible(args[0]) {
			all = append(all, mention{m[1], args})
		}
	}
	return all
}

// plausible reports whether the word after the tool's name can be a command, as opposed to prose.
func plausible(word string) bool {
	return regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word)
}

// fault returns what is wrong with a mention.
func (m mention) fault() error {
	if m.tool == "network" {
		return errors.New("operators have no local network: name osnkafka")
	}
	root := admin.Command()
	if m.tool != "osnkafka" {
		root = rootCommand()
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	c, rest, err := root.Find(m.args)
	if err != nil {
		return err
	}
	if c == root {
		return errors.New("no such command")
	}
	return unknownFlag(c, rest)
}

// unknownFlag returns an error for a flag that the command does not have. Values are
// ignored: in texts they are placeholders.
func unknownFlag(c *cobra.Command, words []string) error {
	for _, w := range words {
		name, is := strings.CutPrefix(strings.TrimRight(w, ".,;:)]"), "--")
		name, _, _ = strings.Cut(name, "=")
		if is && name != "help" && c.Flag(name) == nil {
			return errors.New("no flag --" + name)
		}
	}
	return nil
}

// Mistakes in texts are found.
func TestMentions(t *testing.T) {
	for text, says := range map[string]string{
		"    osnkafka prune --orderers 3\n":                         "no flag --orderers",
		"see `osnkafka pruning`":                                    "unknown command",
		"see `network prune`":                                       "name osnkafka",
		"end it with: go run ./network halt --dir x":                "unknown command",
		"    osnkafka verify c \\\n        --orderr a:7050\n":       "no flag --orderr",
		"run `osnkafka topic CHANNEL --limit 3`":                    "",
		"start one with: go run ./network start orderer1":           "",
		"(see `osnkafka repin`); then restart the orderer":          "",
		"    go run ./network up --brokers apache --proxied\n":      "",
		"    osnkafka verify c \\\n        --orderer a:7050 --json": "",
	} {
		all := mentions(text)
		if len(all) != 1 {
			t.Errorf("%q: %d mentions", text, len(all))
			continue
		}
		if err := all[0].fault(); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
