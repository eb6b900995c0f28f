package imageio

import (
	"bufio"
	"encoding/binary"
	"io"
)

// isAnimation tells whether a GIF, PNG or WebP file has more than one frame. Of a file that ends too early, decoding says so.
func isAnimation(format string, src *io.SectionReader) bool {
	r := bufio.NewReader(start(src))
	switch format {
	case "gif":
		return gifFrames(r, 2) == 2
	case "png":
		return isAPNG(r)
	case "webp":
		const animation = 1 << 1 // of the flags of VP8X
		head := make([]byte, 21)
		_, err := io.ReadFull(r, head)
		return err == nil && string(head[12:16]) == "VP8X" && head[20]&animation != 0
	}
	return false
}

// gifFrames counts the frames of a GIF (specification 89a), up to most.
func gifFrames(r *bufio.Reader, most int) (n int) {
	table := func(flags byte) int { // bytes of a colour table
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	head := make([]byte, 13)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0
	}
	skip := table(head[10])
	for {
		if _, err := r.Discard(skip); err != nil {
			return n
		}
		switch block, _ := r.ReadByte(); block {
		case 0x21: // an extension: its label
			skip = 1
		case 0x2c: // an image: its descriptor, colours, size of codes
			descriptor := make([]byte, 9)
			if _, err := io.ReadFull(r, descriptor); err != nil {
				return n
			}
			if n++; n == most {
				return n
			}
			skip = table(descriptor[8]) + 1
		default: // the end
			return n
		}
		if _, err := r.Discard(skip); err != nil {
			return n
		}
		for size := byte(1); size != 0; { // sub-blocks
			var err error
			if size, err = r.ReadByte(); err != nil {
				return n
			}
			if _, err = r.Discard(int(size)); err != nil {
				return n
			}
		}
		skip = 0
	}
}

// isAPNG looks for an animation control chunk of more than one frame, which stands in front of the pixels (PNG specification, third edition, 11.3.6.1).
func isAPNG(r *bufio.Reader) bool {
	if _, err := r.Discard(8); err != nil {
		return false
	}
	head := make([]byte, 12)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return false
		}
		switch string(head[4:8]) {
		case "acTL":
			return binary.BigEndian.Uint32(head[8:]) > 1
		case "IDAT":
			return false
		}
		// The rest of the data and the check sum.
		if _, err := io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(head))); err != nil {
			return false
		}
	}
}
