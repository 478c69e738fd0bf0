package credentials

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Types of PEM blocks.
const (
	certificateBlock = "CERTIFICATE"
	privateKeyBlock  = "PRIVATE KEY"   // suffix of each type of private key
	parametersBlock  = "EC PARAMETERS" // before a key, which repeats them
)

// pemBlock is one block of a file.
type pemBlock struct {
	*pem.Block
	line int // of the file, from 1
}

// fault returns an error about the block.
func (b pemBlock) fault(format string, args ...any) error {
	return fmt.Errorf("line %d begins a %s that "+format, append([]any{b.line, b.Type}, args...)...)
}

// key reports whether the block is a private key.
func (b pemBlock) key() bool { return strings.HasSuffix(b.Type, privateKeyBlock) }

// pemReader collects the blocks of a file, line by line. Package encoding/pem skips what does
// not decode, so that an authority without its END line is silently lost. For pemReader
// every line must be part of a block that decodes, or text that cannot be mistaken for one.
type pemReader struct {
	blocks []pemBlock
	begun  int      // line of the BEGIN of the current block; 0 outside a block
	kind   string   // its type
	lines  []string // its lines
}

// readPEM returns all blocks of a file. Its error names the first line that would be lost.
func readPEM(content []byte) ([]pemBlock, error) {
	if i := bytes.IndexFunc(content, binary); i >= 0 {
		return nil, fmt.Errorf("byte %d is not text; want PEM, which openssl x509 and openssl pkey write", i+1)
	}
	var r pemReader
	n := 0
	for line := range strings.Lines(string(content)) {
		n++
		if err := r.take(n, strings.TrimPrefix(strings.TrimRight(line, " \t\r\n"), byteOrderMark)); err != nil {
			return nil, err
		}
	}
	return r.blocks, r.end()
}

// byteOrderMark is what editors on Windows put before a text.
const byteOrderMark = "\ufeff"

func binary(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\r\n\f", c) }

var (
	beginLine = regexp.MustCompile(`^-----BEGIN ([A-Z0-9]+( [A-Z0-9]+)*)-----$`)
	// strayLine matches a BEGIN or END line that is mistyped, indented or after other text, and a line
	// of base64.
	strayLine = regexp.MustCompile(`^\s*-----|(?i)-\s*(BEGIN|END)\b|(BEGIN|END) [A-Z0-9 ]*(CERTIFICATE|KEY)|^\s*[A-Za-z0-9+/]{40,}={0,2}$`)
)

func (r *pemReader) take(n int, line string) error {
	if r.begun > 0 {
		return r.inside(line)
	}
	begin := beginLine.FindStringSubmatch(line)
	switch {
	case begin != nil:
		r.begun, r.kind, r.lines = n, begin[1], []string{line}
	case strayLine.MatchString(line):
		return fmt.Errorf("line %d is neither in a block nor the beginning of one; want BEGIN, content and END of each block on lines of their own", n)
	}
	return nil
}

func (r *pemReader) inside(line string) error {
	r.lines = append(r.lines, line)
	switch {
	case line == "-----END "+r.kind+"-----":
		return r.close()
	case strings.Contains(line, "-----"):
		return r.end()
	}
	return nil
}

// end returns an error if the last block has no end.
func (r *pemReader) end() error {
	if r.begun == 0 {
		return nil
	}
	return r.block(nil).fault("has no END line; want the whole of it")
}

func (r *pemReader) block(decoded *pem.Block) pemBlock {
	if decoded == nil {
		decoded = &pem.Block{Type: r.kind}
	}
	return pemBlock{decoded, r.begun}
}

func (r *pemReader) close() error {
	decoded, rest := pem.Decode([]byte(strings.Join(r.lines, "\n") + "\n"))
	b := r.block(decoded)
	if decoded == nil || len(rest) > 0 {
		return b.fault("does not decode; want the whole of it, unchanged")
	}
	r.blocks = append(r.blocks, b)
	r.begun = 0
	return nil
}

// certificates returns the certificates of a file. Its other blocks, if any, must be of
// the given types.
func certificates(content []byte, also ...string) ([]*x509.Certificate, error) {
	blocks, err := readPEM(content)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for _, b := range blocks {
		if b.Type != certificateBlock {
			if !slices.ContainsFunc(also, func(kind string) bool { return strings.HasSuffix(b.Type, kind) }) {
				return nil, fmt.Errorf("line %d begins a %s; want nothing but %s", b.line, b.Type, certificateBlock)
			}
			continue
		}
		c, err := b.certificate()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return all, nil
}

func (b pemBlock) certificate() (*x509.Certificate, error) {
	if len(b.Headers) > 0 {
		return nil, b.fault("has headers; want none")
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return nil, b.fault("cannot be read: %w", err)
	}
	return c, nil
}

// privateKey returns the only private key of a file, which may also hold certificates.
func privateKey(content []byte) (*pem.Block, error) {
	blocks, err := readPEM(content)
	if err != nil {
		return nil, err
	}
	var keys []pemBlock
	for _, b := range blocks {
		switch {
		case b.key():
			keys = append(keys, b)
		case b.Type != certificateBlock && b.Type != parametersBlock:
			return nil, fmt.Errorf("line %d begins a %s; want a private key", b.line, b.Type)
		}
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("it holds no private key in PEM")
	case len(keys) > 1:
		return nil, fmt.Errorf("it holds %d private keys; want one", len(keys))
	case strings.HasPrefix(keys[0].Type, "ENCRYPTED") || len(keys[0].Headers) > 0:
		return nil, keys[0].fault("is encrypted; want it without a passphrase, as openssl pkey writes it")
	}
	return keys[0].Block, nil
}
