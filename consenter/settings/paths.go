package settings

import (
	"path/filepath"
	"strings"
)

func file(dir string) rule {
	return typed("the name of a file, not what is in it", func(raw any) (string, bool) { return fileName(raw, dir) })
}

func files(dir string) rule {
	return typed("a list of names of files, each once, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		return distinct(raw, func(item any) (string, bool) {
			name, ok := fileName(item, dir)
			return name, ok && name != ""
		})
	})
}

// fileName returns the path of a file; relative ones are in dir, as the orderer's own files are in the folder of
// orderer.yaml. The content of a file is not accepted as a name: it would be printed.
func fileName(raw any, dir string) (string, bool) {
	s, ok := raw.(string)
	switch {
	case !ok || inline(s) || (s != "" && strings.TrimSpace(s) == ""):
		return "", false
	case s == "" || filepath.IsAbs(s):
		return s, true
	}
	return filepath.Join(dir, s), true
}

// inline reports whether a text is most likely the content of a file: a key, a
// certificate or a signed token.
func inline(s string) bool {
	return strings.ContainsAny(s, "\r\n") || strings.Contains(s, "-----") || strings.HasPrefix(s, "eyJ")
}

// command returns the rule of a program and its arguments. The path of the program is absolute, so that
// it does not depend on how the orderer was started.
func command() rule {
	return typed("a list of the absolute path of a program and its arguments, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var line []string
		for _, item := range list {
			word, isText := item.(string)
			if !isText || inline(word) {
				return nil, false
			}
			line = append(line, word)
		}
		return line, ok && (len(line) == 0 || filepath.IsAbs(line[0]))
	})
}
