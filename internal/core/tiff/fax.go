package tiff

import (
	"errors"
	"fmt"
)

// unFax undoes the compressions of ITU-T T.4 and T.6 in a chunk. Black runs give ones, white runs zeros: that is what they mean in TIFF, whatever
// PhotometricInterpretation makes of ones and zeros. Rows begin at bytes.
func (p *Page) unFax(stored []byte, width, rows int) ([]byte, error) {
	f := &faxReader{data: stored, width: width, tables: faxTables()}
	twoDimensional := p.compression == compressionFax4
	if p.compression == compressionFax3 && p.t4Options&2 != 0 || p.compression == compressionFax4 && p.t4Options&2 != 0 {
		return nil, errors.New("CCITT compression with uncompressed parts is not supported")
	}
	stride := (width + 7) / 8
	out := make([]byte, stride*rows)
	var above, row []int
	for y := range rows {
		switch p.compression {
		case compressionRLE:
			f.align(8)
		case compressionRLEWord:
			f.align(16)
		case compressionFax3:
			eol := f.endOfLine()
			if p.t4Options&1 != 0 {
				if !eol {
					return nil, fmt.Errorf("row %d of %d: no end-of-line code", y+1, rows)
				}
				twoDimensional = f.take(1) == 0
			}
		}
		var err error
		row = row[:0]
		if twoDimensional {
			row, err = f.relative(row, above)
		} else {
			row, err = f.runs(row, 0, width)
		}
		if err == nil && f.at > 8*len(stored) {
			err = errShort
		}
		if err != nil {
			return nil, fmt.Errorf("row %d of %d: %w", y+1, rows, err)
		}
		paint(out[y*stride:][:stride], row, width)
		above, row = row, above
	}
	return out, nil
}

// paint sets the bits between each change to black and the next one to white.
func paint(out []byte, changes []int, width int) {
	for i := 0; i < len(changes); i += 2 {
		end := width
		if i+1 < len(changes) {
			end = changes[i+1]
		}
		for x := changes[i]; x < end; x++ {
			out[x/8] |= 0x80 >> (x % 8)
		}
	}
}

// A faxReader reads codes from bits. Behind the end there are zeros.
//
// A row is a list of the columns at which the colour changes; it begins with white, so that changes with even numbers go to black.
type faxReader struct {
	data   []byte
	at     int // bits read
	width  int
	tables *[3]faxTable
}

func (f *faxReader) peek(n int) int {
	v := 0
	for i := f.at / 8; i <= (f.at+n-1)/8; i++ {
		v <<= 8
		if i < len(f.data) {
			v |= int(f.data[i])
		}
	}
	return v >> (7 - (f.at+n-1)%8) & (1<<n - 1)
}

func (f *faxReader) take(n int) int {
	v := f.peek(n)
	f.at += n
	return v
}

func (f *faxReader) align(bits int) { f.at = (f.at + bits - 1) / bits * bits }

// endOfLine reads an end-of-line code with the zeros that fill up bytes in front of it: at least 11 zeros and a one. No other code begins with so many zeros.
func (f *faxReader) endOfLine() bool {
	if f.peek(11) != 0 {
		return false
	}
	at := f.at
	for f.at < 8*len(f.data) {
		if f.take(1) == 1 {
			return true
		}
	}
	f.at = at
	return false
}

// code reads one code of a table.
func (f *faxReader) code(table int) (int, error) {
	e := f.tables[table][f.peek(faxBits)]
	if e.length == 0 {
		switch {
		case f.at >= 8*len(f.data), f.peek(11) == 0: // also the code that ends a page
			return 0, errShort
		case table == 2 && f.peek(7) == 1:
			return 0, errors.New("CCITT extensions are not supported")
		}
		return 0, errors.New("not a CCITT code")
	}
	f.at += int(e.length)
	return int(e.value), nil
}

// run reads the length of a run: any number of long codes and one short one.
func (f *faxReader) run(colour int) (int, error) {
	total := 0
	for {
		n, err := f.code(colour)
		if err != nil {
			return 0, err
		}
		total += n
		if total > f.width {
			return 0, fmt.Errorf("a run of %d pixels in a row of %d", total, f.width)
		}
		if n < 64 {
			return total, nil
		}
	}
}

// runs reads runs of alternating colours from a column on until they reach the end.
func (f *faxReader) runs(row []int, from, end int) ([]int, error) {
	for colour := 0; from < end; colour ^= 1 {
		n, err := f.run(colour)
		if err != nil {
			return nil, err
		}
		if from += n; from > f.width {
			return nil, fmt.Errorf("a row of %d pixels, want %d", from, f.width)
		}
		row = change(row, from)
	}
	return row, nil
}

// change adds a change of colour. Two in one column are none.
func change(row []int, at int) []int {
	if n := len(row); n > 0 && row[n-1] == at {
		return row[:n-1]
	}
	return append(row, at)
}

// relative reads a row that is coded relative to the one above (T.4, 4.2; T.6, 2.2). a0, b1 and b2 are named as there.
func (f *faxReader) relative(row, above []int) ([]int, error) {
	a0, colour, i := -1, 0, 0
	for a0 < f.width {
		// b1 is the first change of the row above to the right of a0 and to the colour that the row does not have now.
		for i > 0 && at(above, i-1, f.width) > a0 {
			i--
		}
		for i%2 != colour || at(above, i, f.width) <= a0 && i < len(above) {
			i++
		}
		b1 := at(above, i, f.width)
		mode, err := f.code(2)
		if err != nil {
			return nil, err
		}
		switch mode {
		case modePass:
			a0 = at(above, i+1, f.width)
			continue
		case modeHorizontal:
			a0 = max(a0, 0)
			for range 2 {
				n, err := f.run(colour)
				if err != nil {
					return nil, err
				}
				if a0 += n; a0 > f.width {
					return nil, fmt.Errorf("a row of %d pixels, want %d", a0, f.width)
				}
				row = change(row, a0)
				colour ^= 1
			}
			continue
		case modeVertical0, modeVerticalRight1, modeVerticalRight2, modeVerticalRight3:
			b1 += mode - modeVertical0
		default:
			b1 -= mode - modeVerticalRight3
		}
		if b1 < max(a0, 0) || b1 > f.width {
			return nil, fmt.Errorf("a change of colour in column %d of %d, after column %d", b1, f.width, a0)
		}
		a0 = b1
		row = change(row, a0)
		colour ^= 1
	}
	return row, nil
}

// at is change i of a row; all behind the last one are its end.
func at(changes []int, i, width int) int {
	if i < len(changes) {
		return changes[i]
	}
	return width
}
