package cocoeval

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"

	"github.com/spinemask/spinemask/coco"
)

// A partial result is what an Evaluator has matched until now, for a process that merges those of several. The file, all
// numbers little endian:
//
//	"COCOPART", u32 version (2), u32 n, n bytes of JSON: {"iou", "images", "annotations", "detections", "warnings"}
//	32 bytes: SHA-256 of the settings and of all of the annotations that matching reads, which must be the same where it is merged
//	u32 number of images I, (I+7)/8 bytes: bit i of byte i/8 says that image i, by ascending id, has detections
//	for each category with detections, by index:
//	    u32 category, u32 number of images P, u32 number of detections N, u32 number of matched ones M
//	    P × (u32 image, u32 number of detections), images ascending
//	    N × f64 score, by image, descending in each
//	    N × u32: bit a says that the detection is outside of area range a
//	    N × i32: index among the matched ones, or -1
//	    M × per area range and 64 IoU thresholds: u64 where it is right, u64 where it is ignored
//	u32 0xffffffff, u32 CRC-32 (IEEE) of everything before
const (
	partialMagic   = "COCOPART"
	partialVersion = 2
	partialEnd     = math.MaxUint32
)

// IsPartial reports whether a file that begins like this is a partial result.
func IsPartial(start []byte) bool { return bytes.HasPrefix(start, []byte(partialMagic)) }

type partialHeader struct {
	IoU         string    `json:"iou"`
	Images      int       `json:"images"`
	Annotations int       `json:"annotations"`
	Detections  int       `json:"detections"`
	Warnings    []Warning `json:"warnings"`
}

// WritePartial writes what was added until now.
func (e *Evaluator) WritePartial(w io.Writer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	head := partialHeader{IoU: e.p.IoU.String(), Images: len(e.added), Annotations: len(e.g.entry), Warnings: e.found.list}
	for _, pieces := range e.pieces {
		for _, q := range pieces {
			head.Detections += len(q.score)
		}
	}
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("cocoeval: partial result: %w", err)
	}
	le := binary.LittleEndian
	b := append([]byte(partialMagic), 0, 0, 0, 0, 0, 0, 0, 0)
	le.PutUint32(b[8:], partialVersion)
	le.PutUint32(b[12:], uint32(len(text)))
	b = append(b, text...)
	print := e.fingerprint()
	b = append(b, print[:]...)
	b = le.AppendUint32(b, uint32(len(e.added)))
	set := make([]byte, (len(e.added)+7)/8)
	for i, yes := range e.added {
		set[i/8] |= byte(btoi(yes)) << (i % 8)
	}
	b = append(b, set...)
	for k, pieces := range e.pieces {
		if len(pieces) > 0 {
			b = e.joined(pieces).append(b, k)
		}
	}
	b = le.AppendUint32(b, partialEnd)
	b = le.AppendUint32(b, crc32.ChecksumIEEE(b))
	_, err = w.Write(b)
	return err
}

// joined returns pieces as one, its images in order.
func (e *Evaluator) joined(pieces []*piece) *piece {
	c := newAccumulator(e.p, &curves{t: len(e.p.IoUThresholds)})
	c.load(pieces)
	out := &piece{flags: c.flags, units: len(c.flags) / (2 * len(e.p.Areas) * len(c.valid))}
	for _, q := range pieces {
		out.pairs = append(out.pairs, q.pairs...)
	}
	sortPairs(out.pairs)
	for i := range c.dets {
		d := &c.dets[i]
		out.score, out.out, out.match = append(out.score, d.score), append(out.out, d.out), append(out.match, d.unit)
	}
	return out
}

// append appends the form of a piece in the file.
func (c *piece) append(b []byte, k int) []byte {
	le := binary.LittleEndian
	for _, v := range []int{k, len(c.pairs), len(c.score), c.units} {
		b = le.AppendUint32(b, uint32(v))
	}
	for _, p := range c.pairs {
		b = le.AppendUint32(le.AppendUint32(b, uint32(p.image)), uint32(p.n))
	}
	for _, v := range c.score {
		b = le.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range c.out {
		b = le.AppendUint32(b, v)
	}
	for _, v := range c.match {
		b = le.AppendUint32(b, uint32(v))
	}
	for _, v := range c.flags {
		b = le.AppendUint64(b, v)
	}
	return b
}

// fingerprint is a hash of all that matching depends on, but the detections.
func (e *Evaluator) fingerprint() [32]byte {
	h := sha256.New()
	put := func(v any) { _ = binary.Write(h, binary.LittleEndian, v) }
	p, g := e.p, e.g
	fmt.Fprintf(h, "%v %v %v %v %v\n", p.IoU, p.Mode, p.Protocol, p.MaxDets, p.ClassAgnostic)
	for _, a := range p.Areas {
		put([3]float64{a.Min, a.Max, float64(a.Of)})
	}
	put(p.IoUThresholds)
	put(p.Sigmas)
	fmt.Fprintf(h, "%q %q\n", g.data.ImageNames, g.data.CategoryNames)
	put(g.images.ids)
	for i := range g.images.ids {
		im := &g.data.Images[g.images.entry[i]]
		put([2]int64{int64(g.images.height[i]), int64(g.images.width[i])})
		fmt.Fprintln(h, im.Negative, im.NotExhaustive) // of LVIS
	}
	put(g.ids)
	put(g.start)
	put(g.category)
	put(g.area)
	put(g.flags)
	for _, i := range g.entry {
		g.putShape(put, p.IoU, int(i))
	}
	return [32]byte(h.Sum(nil))
}

// putShape gives put what the IoU of an entry of the data set is computed from. Lists come with their lengths.
func (g *truth) putShape(put func(v any), iou IoUType, entry int) {
	d := g.data
	put(d.Box[entry])
	if iou == Keypoints {
		put(d.Keypoints[entry])
	}
	if iou.Fields()&coco.Masks == 0 {
		return
	}
	m := &d.Mask[entry]
	put([3]uint32{uint32(m.Kind), m.H, m.W})
	switch m.Kind {
	case coco.PolygonMask:
		for _, xy := range d.Polygons(entry) {
			put(uint32(len(xy)))
			put(xy)
		}
	case coco.RunMask, coco.ListMask:
		runs := d.AppendRuns(nil, entry)
		put(uint32(len(runs)))
		put(runs)
	}
}

// Merge adds what another Evaluator of the same settings and annotations wrote as a partial result.
func (e *Evaluator) Merge(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("cocoeval: partial result: %w", err)
	}
	if err := e.merge(b); err != nil {
		return fmt.Errorf("cocoeval: partial result: %w", err)
	}
	return nil
}

func (e *Evaluator) merge(b []byte) error {
	if !IsPartial(b) {
		return errors.New("not one")
	}
	if len(b) < 20 || binary.LittleEndian.Uint32(b[len(b)-4:]) != crc32.ChecksumIEEE(b[:len(b)-4]) {
		return errors.New("damaged or cut off")
	}
	in := partialReader{b: b[len(partialMagic) : len(b)-4]}
	if v := in.u32(); v != partialVersion {
		return fmt.Errorf("version %d, want %d", v, partialVersion)
	}
	var head partialHeader
	if err := json.Unmarshal(in.take(int(in.u32())), &head); err != nil {
		return err
	}
	if print := e.fingerprint(); !bytes.Equal(in.take(32), print[:]) {
		return errors.New("made with other settings or other annotations")
	}
	images := int(in.u32())
	set := in.take((images + 7) / 8)
	if images != len(e.added) || in.short {
		return errors.New("damaged")
	}
	pieces := make([]*piece, len(e.pieces))
	for {
		k := in.u32()
		if k == partialEnd && !in.short {
			break
		}
		if in.short || int(k) >= len(pieces) || pieces[k] != nil {
			return errors.New("damaged")
		}
		if pieces[k] = in.piece(e.p, images); pieces[k] == nil {
			return errors.New("damaged")
		}
	}
	if len(in.b) > 0 {
		return errors.New("damaged")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.added {
		if set[i/8]>>(i%8)&1 != 0 && e.added[i] {
			return fmt.Errorf("image %s: detections were added twice", e.g.images.name(int32(i)))
		}
	}
	for i := range e.added {
		e.added[i] = e.added[i] || set[i/8]>>(i%8)&1 != 0
	}
	for k, q := range pieces {
		if q != nil {
			e.pieces[k] = append(e.pieces[k], q)
		}
	}
	e.found.merge(&warnings{list: head.Warnings})
	e.merged = true
	return nil
}

// partialReader takes numbers off the front of a file; short says that it ended early.
type partialReader struct {
	b     []byte
	short bool
}

func (r *partialReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *partialReader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// piece reads a category; nil is for one that cannot be.
func (r *partialReader) piece(p *Params, images int) *piece {
	pairs, dets, units := int(r.u32()), int(r.u32()), int(r.u32())
	words := (len(p.IoUThresholds) + 63) / 64
	per := 2 * len(p.Areas) * words
	if r.short || pairs*8+dets*16+units*per*8 > len(r.b) {
		return nil
	}
	c := &piece{
		pairs: make([]pairHead, pairs), score: make([]float64, dets), out: make([]uint32, dets), match: make([]int32, dets),
		flags: make([]uint64, units*per), units: units,
	}
	most, sum, last := p.MaxDets[len(p.MaxDets)-1], 0, int64(-1)
	for i := range c.pairs {
		image, n := int64(r.u32()), int64(r.u32())
		if image <= last || image >= int64(images) || n == 0 || n > int64(most) {
			return nil
		}
		c.pairs[i], last, sum = pairHead{int32(image), int32(n)}, image, sum+int(n)
	}
	for i := range c.score {
		c.score[i] = math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
	}
	for i := range c.out {
		if c.out[i] = r.u32(); bits.Len32(c.out[i]) > len(p.Areas) {
			return nil
		}
	}
	for i := range c.match {
		if c.match[i] = int32(r.u32()); int(c.match[i]) >= units || c.match[i] < -1 {
			return nil
		}
	}
	for i := range c.flags {
		f := binary.LittleEndian.Uint64(r.take(8))
		if left := len(p.IoUThresholds) - i/2%words*64; bits.Len64(f) > left {
			return nil
		}
		c.flags[i] = f
	}
	if sum != dets {
		return nil
	}
	return c
}
