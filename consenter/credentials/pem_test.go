package credentials

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

// text returns the content of a file of a pki.
func (p pki) text(t *testing.T, name string) string {
	content, err := os.ReadFile(p.path(name))
	checktest.Must(t, err)
	return string(content)
}

// without returns a text without the lines that contain a word.
func without(text, word string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, word) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// dump has the lines that openssl x509 -text prints before a certificate, and those of a
// bundle, none of which is part of a certificate.
const dump = `Bag Attributes
    localKeyID: 54 69 6D 65 20 31
subject=/CN=ca.example.com
issuer=/CN=ca.example.com
# Example CA ---- for the brokers
=====================================================================
Certificate:
    Data:
        Version: 3 (0x2)
        Signature Algorithm: ecdsa-with-SHA256
        Subject Public Key Info:
                pub:
                    04:8c:6a:c4:93:5e:0a:54:0f:45:57:8d:e4:0c:ff:
SHA1 Fingerprint=AA:BB:CC

`

// authoritiesOf loads a file of authorities with this content.
func authoritiesOf(t *testing.T, content string) (*x509.CertPool, error) {
	p := pki{t.TempDir()}
	p.write(t, "ca.pem", []byte(content))
	transport, err := LoadTLS(settings.TLS{Enabled: true, RootCAs: []string{p.path("ca.pem")}})
	if err != nil {
		return nil, err
	}
	config, err := transport()
	checktest.Must(t, err)
	return config.RootCAs, nil
}

func TestEveryAuthorityIsLoaded(t *testing.T) {
	one, other := newPKI(t).text(t, "cert.pem"), newPKI(t).text(t, "cert.pem")
	want := x509.NewCertPool()
	if !want.AppendCertsFromPEM([]byte(one + other)) {
		t.Fatal("the authorities are not PEM")
	}
	const bom = "\ufeff"
	for name, content := range map[string]string{
		"two":                    one + other,
		"text between":           dump + one + dump + other + dump,
		"CRLF":                   strings.ReplaceAll(dump+one+other, "\n", "\r\n"),
		"byte order marks":       bom + one + bom + other,
		"no line end at the end": one + strings.TrimSuffix(other, "\n"),
		"trailing spaces":        strings.ReplaceAll(one+other, "\n", " \t\n"),
		"short lines":            wrapped(one, 32) + wrapped(other, 20),
		"empty lines":            "\n\n" + one + "\n \n" + other + "\n\n",
		"one of them twice":      one + other + one,
	} {
		got, err := authoritiesOf(t, content)
		if err != nil {
			t.Fatalf("%v: %v", name, err)
		}
		if !want.Equal(got) {
			t.Fatalf("%v: other authorities are loaded", name)
		}
	}
}

// A renewed authority is put next to the old one: an expired authority is harmless, and must
// not cut off a running orderer.
func TestExpiredAuthorityIsLoaded(t *testing.T) {
	both := newPKI(t).text(t, "cert.pem") + newPKIUntil(t, time.Now().Add(-time.Minute)).text(t, "cert.pem")
	got, err := authoritiesOf(t, both)
	checktest.Must(t, err)
	want := x509.NewCertPool()
	if !want.AppendCertsFromPEM([]byte(both)) {
		t.Fatal("the authorities are not PEM")
	}
	if !want.Equal(got) {
		t.Fatal("an authority is not loaded")
	}
}

// wrapped returns a block with lines of another length.
func wrapped(text string, length int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	body := strings.Join(lines[1:len(lines)-1], "")
	out := lines[0] + "\n"
	for ; len(body) > length; body = body[length:] {
		out += body[:length] + "\n"
	}
	return out + body + "\n" + lines[len(lines)-1] + "\n"
}

// spoiled returns files in which a second authority could be lost silently.
func spoiled(t *testing.T, good, bad, key string) map[string]string {
	lines := strings.SplitAfter(bad, "\n")
	short := strings.Join(append(append([]string{}, lines[:3]...), lines[4:]...), "")
	block, _ := pem.Decode([]byte(bad))
	typed := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: block.Bytes}))
	}
	return map[string]string{
		"without its END line":        without(bad, "END"),
		"without its BEGIN line":      without(bad, "BEGIN"),
		"without both":                without(without(bad, "END"), "BEGIN"),
		"cut short":                   bad[:len(bad)/2],
		"cut short, then another":     bad[:len(bad)/2] + "\n" + good,
		"no line end before it":       strings.TrimSuffix(good, "\n") + bad,
		"a line is missing":           short,
		"a letter is not base64":      strings.Replace(bad, lines[2][:4], "!!!!", 1),
		"trailing bytes":              string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append(bytes.Clone(block.Bytes), 0)})),
		"no certificate in it":        string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})),
		"nothing in it":               "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"a key":                       key,
		"TRUSTED CERTIFICATE":         typed("TRUSTED CERTIFICATE"),
		"X509 CERTIFICATE":            typed("X509 CERTIFICATE"),
		"PKCS7":                       typed("PKCS7"),
		"a header in it":              strings.Replace(bad, "CERTIFICATE-----\n", "CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\n", 1),
		"another END":                 strings.Replace(bad, "END CERTIFICATE", "END X509 CRL", 1),
		"indented":                    "    " + strings.ReplaceAll(strings.TrimSpace(bad), "\n", "\n    ") + "\n",
		"BEGIN is indented":           " " + bad,
		"after a comment":             "# " + bad,
		"commented out":               "#" + strings.ReplaceAll(strings.TrimSpace(bad), "\n", "\n#") + "\n",
		"a missing hyphen":            strings.Replace(bad, "-----BEGIN", "----BEGIN", 1),
		"a missing hyphen at the end": strings.Replace(bad, "CERTIFICATE-----\n", "CERTIFICATE----\n", 1),
		"lower case":                  strings.NewReplacer("BEGIN CERTIFICATE", "begin certificate", "END CERTIFICATE", "end certificate").Replace(bad),
		"dashes of a word processor":  strings.ReplaceAll(wrapped(bad, 32), "-----", "\u2013\u2013\u2013"),
		"without hyphens":             strings.ReplaceAll(wrapped(bad, 32), "-----", ""),
		"after a no-break space":      "\u00a0" + bad,
		"two spaces":                  strings.NewReplacer("BEGIN CERTIFICATE", "BEGIN  CERTIFICATE").Replace(bad),
		"line ends of old Macs":       strings.ReplaceAll(bad, "\n", "\r"),
		"on one line":                 strings.ReplaceAll(bad, "\n", ""),
		"with literal line ends":      strings.ReplaceAll(bad, "\n", `\n`),
		"UTF-16":                      strings.Join(strings.Split(bad, ""), "\x00"),
		"DER":                         string(block.Bytes),
		"a BEGIN line alone":          "-----BEGIN CERTIFICATE-----\n",
		"an END line alone":           "-----END CERTIFICATE-----\n",
		"what is left of a line":      "-----\n",
		"a merge conflict":            "<<<<<<< HEAD\n" + without(bad, "BEGIN") + "=======\n>>>>>>> other\n",
	}
}

func TestNoAuthorityIsLost(t *testing.T) {
	good, second := newPKI(t), newPKI(t)
	for name, bad := range spoiled(t, good.text(t, "cert.pem"), second.text(t, "cert.pem"), second.text(t, "key.pem")) {
		for place, content := range map[string]string{"alone": bad, "after": good.text(t, "cert.pem") + bad, "before": bad + good.text(t, "cert.pem")} {
			_, err := authoritiesOf(t, content)
			if want := "Consensus.Kafka.TLS.RootCAs: "; err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%s, %s: got the error %v, want one with %q", name, place, err, want)
			}
			checktest.Fails(t, err, "/ca.pem") // "%s, %s", name, place
		}
	}
}

func TestFaultOfAFileNamesTheLine(t *testing.T) {
	good, second := newPKI(t).text(t, "cert.pem"), newPKI(t)
	lines := strings.Count(good, "\n")
	for content, fault := range map[string]string{
		good + without(second.text(t, "cert.pem"), "END"): "line %d begins a CERTIFICATE that has no END line",
		good + second.text(t, "key.pem"):                  "line %d begins a PRIVATE KEY; want nothing but CERTIFICATE",
		good + "-----\n":                                  "line %d is neither in a block nor the beginning of one",
	} {
		_, err := authoritiesOf(t, content)
		checktest.Fails(t, err, strings.Replace(fault, "%d", strconv.Itoa(lines+1), 1))
	}
	_, err := authoritiesOf(t, "garbage")
	checktest.Fails(t, err, "holds no certificate in PEM")
	_, err = authoritiesOf(t, strings.Repeat("x\n", 3<<20))
	checktest.Fails(t, err, "is larger than 4 MB")
}

// The bundle of this machine's authorities is a file like any other.
func TestSystemBundleIsLoaded(t *testing.T) {
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	content, err := os.ReadFile(bundle)
	if err != nil {
		t.Skip("no bundle of authorities here")
	}
	got, err := authoritiesOf(t, string(content))
	checktest.Must(t, err)
	want := x509.NewCertPool()
	if !want.AppendCertsFromPEM(content) {
		t.Fatal("the authorities are not PEM")
	}
	if !want.Equal(got) {
		t.Fatal("other authorities are loaded")
	}
}

func TestTextOfOpenSSLIsAccepted(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	p := newPKI(t)
	out, err := exec.Command(openssl, "x509", "-in", p.path("cert.pem"), "-text", "-fingerprint", "-subject", "-issuer", "-modulus", "-purpose").Output()
	checktest.Must(t, err)
	if got, text := string(out), "Signature Algorithm"; !strings.Contains(got, text) {
		t.Fatalf("%q is not in %q", text, got)
	}
	_, err = authoritiesOf(t, string(out)+string(out))
	checktest.Must(t, err)
}

// pairOf loads a certificate and a key with these contents.
func pairOf(t *testing.T, certificate, key string) (int, error) {
	p := pki{t.TempDir()}
	p.write(t, "c.pem", []byte(certificate))
	p.write(t, "k.pem", []byte(key))
	transport, err := LoadTLS(settings.TLS{Enabled: true, Certificate: p.path("c.pem"), PrivateKey: p.path("k.pem")})
	if err != nil {
		return 0, err
	}
	config, err := transport()
	checktest.Must(t, err)
	return len(presented(t, config)), nil
}

func TestClientCertificateInAllItsForms(t *testing.T) {
	p, authority := newPKI(t), newPKI(t).text(t, "cert.pem")
	certificate, key := p.text(t, "cert.pem"), p.text(t, "key.pem")
	const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	for name, c := range map[string]struct {
		certificate, key string
		chain            int
	}{
		"plain":                {certificate, key, 1},
		"chain":                {certificate + authority, key, 2},
		"with text":            {dump + certificate + dump + authority, dump + key, 2},
		"byte order marks":     {"\ufeff" + certificate, "\ufeff" + key, 1},
		"one file for both":    {certificate + key + authority, certificate + key + authority, 2},
		"the key is the first": {key + certificate, key + certificate, 1},
		"with parameters":      {certificate, parameters + key, 1},
	} {
		chain, err := pairOf(t, c.certificate, c.key)
		if err != nil {
			t.Fatalf("%v: %v", name, err)
		}
		if !reflect.DeepEqual(chain, c.chain) {
			t.Fatalf("%v: got %v, want %v", name, chain, c.chain)
		}
	}
}

func TestNothingOfAClientCertificateIsLost(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	certificate, key := p.text(t, "cert.pem"), p.text(t, "key.pem")
	for name, bad := range spoiled(t, certificate, other.text(t, "cert.pem"), "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n") {
		_, err := pairOf(t, certificate+bad, key)
		if want := "Consensus.Kafka.TLS.Certificate: "; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", name, err, want)
		}
		checktest.Fails(t, err, "/c.pem") // name
	}
	for name, c := range map[string]struct{ key, fault string }{
		"two keys":                   {key + other.text(t, "key.pem"), "holds 2 private keys; want one"},
		"no key":                     {certificate, "holds no private key in PEM"},
		"no END line":                {without(key, "END"), "has no END line"},
		"encrypted":                  {strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE"), "is encrypted"},
		"encrypted, in the old form": {strings.Replace(key, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AA\n\n", 1), "is encrypted"},
		"empty":                      {"", "holds no private key in PEM"},
	} {
		_, err := pairOf(t, certificate, c.key)
		if want := "Consensus.Kafka.TLS.PrivateKey: "; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", name, err, want)
		}
		checktest.Fails(t, err, c.fault) // name
		if got, text := err.Error(), strings.Split(key, "\n")[1]; strings.Contains(got, text) {
			t.Fatalf("%s: the key is shown: %q is in %q", name, text, got)
		}
	}
	_, err := pairOf(t, key, key)
	checktest.Fails(t, err, "Consensus.Kafka.TLS.Certificate: ")
	checktest.Fails(t, err, "holds no certificate in PEM")
}
