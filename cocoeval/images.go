package cocoeval

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/coco"
)

// imageTable numbers the images of an evaluation by ascending id.
type imageTable struct {
	data          *coco.Dataset
	ids           []int64
	entry         []int32 // of each: the index in the data set's list
	height, width []int   // 0: unknown
	index         idTable
	lost          map[coco.Name]bool // ids that pycocotools does not find again
}

// newImageTable numbers the images that p selects.
func newImageTable(d *coco.Dataset, p *Params, w *warnings) (imageTable, error) {
	t := imageTable{data: d}
	order := make([]int32, 0, len(d.Images))
	selected := newIDTable(p.ImageIDs)
	lost, err := idsLost(d.ImageNames, len(d.Images), func(i int) int64 { return d.Images[i].ID }, p)
	if err != nil {
		return t, fmt.Errorf("cocoeval: %s: images: %w", d.File, err)
	}
	for i := range d.Images {
		im := &d.Images[i]
		if lost != nil && lost(im.ID) {
			w.add("large-ids", largeIDs, func() string { return d.ImageName(im.ID) })
			if t.lost == nil {
				t.lost = map[coco.Name]bool{}
			}
			t.lost[d.ImageNames[im.ID]] = true
			continue
		}
		if im.BadSize {
			w.add("image-size", "images with a height or width that is no count of pixels; unknown, or of a fraction the whole part", func() string { return d.ImageName(im.ID) })
		}
		if p.ImageIDs == nil || selected.of(im.ID) >= 0 {
			order = append(order, int32(i))
		}
	}
	less := func(a, b int32) int { return cmp.Compare(d.Images[a].ID, d.Images[b].ID) }
	if !slices.IsSortedFunc(order, less) {
		slices.SortStableFunc(order, less)
	}
	for _, i := range order {
		im := &d.Images[i]
		if n := len(t.ids); n > 0 && t.ids[n-1] == im.ID {
			w.add("duplicate-images", "images with the id of another; the last one counts", func() string { return d.ImageName(im.ID) })
			t.height[n-1], t.width[n-1], t.entry[n-1] = im.Height, im.Width, i
			continue
		}
		t.ids, t.height, t.width, t.entry = append(t.ids, im.ID), append(t.height, im.Height), append(t.width, im.Width), append(t.entry, i)
	}
	t.index = newIDTable(t.ids)
	return t, nil
}

// name returns how the data set writes the id of image i.
func (t *imageTable) name(i int32) string { return t.data.ImageName(t.ids[i]) }

const largeIDs = "ids that pycocotools does not find again, because numpy rounds them where some are below and some from 2^63 on; dropped"

// idsLost looks at the ids of a list of images or categories as the reference does, whose numpy sorts them. In strict mode
// numbers among strings are an error; and where numpy makes floating-point numbers of integers, those that it rounds are
// lost: the function tells which, and is nil where there are none.
func idsLost(list []coco.Name, n int, id func(i int) int64, p *Params) (lost func(id int64) bool, err error) {
	if list == nil || p.Mode != Strict {
		return nil, nil
	}
	var kinds [3]bool
	var small, unsigned, wide, fraction bool
	for i := range n {
		name := list[id(i)]
		if kinds[name.Kind] = true; name.Kind != coco.NumberName {
			continue
		}
		_, notSigned := strconv.ParseInt(name.Text, 10, 64)
		_, notUnsigned := strconv.ParseUint(name.Text, 10, 64)
		switch {
		case notSigned == nil:
			small = true
		case notUnsigned == nil:
			unsigned = true
		case isInteger(name.Text):
			wide = true
		default:
			fraction = true
		}
	}
	if kinds[coco.NumberName] && kinds[coco.StringName] || kinds[coco.NullName] && n > 1 {
		return nil, errors.New("ids of several types, which Python cannot sort")
	}
	if wide || !fraction && !(small && unsigned) {
		return nil, nil
	}
	return func(id int64) bool {
		text := list[id].Text
		f, err := strconv.ParseFloat(text, 64)
		return err != nil || isInteger(text) && big.NewFloat(f).Text('f', 0) != text
	}, nil
}

func isInteger(text string) bool { return strings.Trim(text, "-0123456789") == "" }
