package pytorch

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// input reads a pickle from a file and knows where it stands.
type input struct {
	r    *bufio.Reader
	at   int64 // offset in the file
	size int64 // of the file
}

func newInput(r io.ReaderAt, offset, size int64) *input {
	return &input{r: bufio.NewReader(io.NewSectionReader(r, offset, size-offset)), at: offset, size: size}
}

// bytes reads n bytes; what is asked for must be there before anything is allocated.
func (in *input) bytes(n uint64) ([]byte, error) {
	if n > uint64(in.size-in.at) {
		return nil, fmt.Errorf("%w: %d bytes wanted at byte %d of %d", ErrTruncated, n, in.at, in.size)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in.r, b); err != nil {
		return nil, fmt.Errorf("byte %d: %w", in.at, err)
	}
	in.at += int64(n)
	return b, nil
}

// skip passes over n bytes.
func (in *input) skip(n uint64) error {
	if n > uint64(in.size-in.at) {
		return fmt.Errorf("%w: %d bytes wanted at byte %d of %d", ErrTruncated, n, in.at, in.size)
	}
	if _, err := io.CopyN(io.Discard, in.r, int64(n)); err != nil {
		return fmt.Errorf("byte %d: %w", in.at, err)
	}
	in.at += int64(n)
	return nil
}

// uint reads a little-endian number of n bytes.
func (in *input) uint(n int) (uint64, error) {
	b, err := in.bytes(uint64(n))
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), err
}

// line reads up to a newline.
func (in *input) line() (string, error) {
	const longest = 4096
	var b []byte
	for len(b) < longest {
		c, err := in.bytes(1)
		if err != nil {
			return "", err
		}
		if c[0] == '\n' {
			if !utf8.Valid(b) {
				return "", ErrText
			}
			return string(b), nil
		}
		b = append(b, c[0])
	}
	return "", ErrText
}
