package integration_test

import (
	"errors"
	"net"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// hole makes an address behave like a machine that is off: connection attempts get no answer.
// It listens there with a full backlog, so that the kernel drops further attempts. The function
// fill releases the address.
func hole(address string) (fill func()) {
	at, err := net.ResolveTCPAddr("tcp4", address)
	Expect(err).NotTo(HaveOccurred())
	to := &unix.SockaddrInet4{Port: at.Port, Addr: [4]byte(at.IP.To4())}
	listener := socket()
	open := []int{listener}
	Expect(unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)).To(Succeed())
	Eventually(func() error { return unix.Bind(listener, to) }).Should(Succeed(), "the address is still in use")
	Expect(unix.Listen(listener, 0)).To(Succeed())
	for range 4 { // more than the backlog
		s := socket()
		open = append(open, s)
		if err := unix.Connect(s, to); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			Expect(err).NotTo(HaveOccurred())
		}
	}
	return func() {
		for _, s := range open {
			_ = unix.Close(s) // nothing was sent
		}
	}
}

func socket() int {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	Expect(err).NotTo(HaveOccurred())
	return s
}
