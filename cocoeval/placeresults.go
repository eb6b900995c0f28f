package cocoeval

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/coco"
)

// findImages finds the image of each entry.
func (d *detections) findImages(g *truth, p *Params, w *warnings) error {
	d.image = make([]int32, d.Len())
	unknown := unknownImages{d: d, g: g}
	if equalNames(d.ImageNames, g.data.ImageNames) {
		for i, id := range d.ImageID {
			d.image[i] = g.images.index.of(id)
		}
	} else {
		place := g.imagePlacer()
		for i, id := range d.ImageID {
			d.image[i] = place.strictly(nameOf(d.ImageNames, id))
		}
	}
	if p.Mode == Corrected && p.ImageIDs == nil && slices.Contains(d.image, -1) {
		if err := d.placeImages(g, w); err != nil {
			return err
		}
	}
	if p.ImageIDs != nil {
		return nil
	}
	for i, image := range d.image {
		if image < 0 && !g.images.lost[nameOf(d.ImageNames, d.ImageID[i])] {
			unknown.add(i)
		}
	}
	return unknown.report(p, w)
}

// placeImages finds the images of entries whose ids the data set does not have, in corrected mode. If every id of the file
// is the name of an image's file, all are taken as that, so that the ids of one file are read by one rule.
func (d *detections) placeImages(g *truth, w *warnings) error {
	place := g.imagePlacer()
	find, allNamed := place.loosely, true
	for i, id := range d.ImageID {
		if d.image[i] < 0 && place.loosely(nameOf(d.ImageNames, id)).how != byLabel {
			allNamed = false
			break
		}
	}
	if allNamed {
		labels := map[coco.Name]placed{}
		for _, id := range d.ImageID {
			name := nameOf(d.ImageNames, id)
			if _, ok := labels[name]; !ok {
				labels[name] = place.labelled(name)
				allNamed = allNamed && labels[name].index >= 0
			}
		}
		if allNamed {
			find = func(name coco.Name) placed { return labels[name] }
		}
	}
	note := placing{w, "image", "results"}
	for i, id := range d.ImageID {
		x := find(nameOf(d.ImageNames, id))
		if x.same != nil {
			return d.fail(i, "image_id", d.ImageName(id)+" "+place.ambiguous(x))
		}
		note.note(x, func() string { return d.ImageName(id) })
		d.image[i] = x.index
	}
	return nil
}

// unknownImages collects results for images that the data set does not have.
type unknownImages struct {
	d     *detections
	g     *truth
	count int
	first int
	ids   []string
}

func (u *unknownImages) add(i int) {
	if u.count++; u.count == 1 {
		u.first = i
	}
	if len(u.ids) < maxExamples {
		if s := u.d.ImageName(u.d.ImageID[i]); !slices.Contains(u.ids, s) {
			u.ids = append(u.ids, s)
		}
	}
}

const idsHint = "the image ids of results must be those of the data set: spinemask segment --annotations GT writes them; --mode corrected also takes names of files and numbers written as text"

// report refuses the results in strict mode, as loadRes does, and tells of those dropped otherwise.
func (u *unknownImages) report(p *Params, w *warnings) error {
	if u.count == 0 {
		return nil
	}
	if p.Mode == Corrected {
		w.list = append(w.list, Warning{Code: "unknown-image-results", Count: u.count, Text: "results for images that the data set does not have; dropped", Examples: u.ids})
		return nil
	}
	return u.err()
}

// err refuses the results, with the ids on both sides.
func (u *unknownImages) err() error {
	msg := fmt.Sprintf("not an image of the data set; so are those of %d results, the first ids: %s", u.count, strings.Join(u.ids, ", "))
	if ids := u.g.images.ids; u.count == u.d.Len() && len(ids) > 0 {
		if nameOf(u.d.ImageNames, u.d.ImageID[u.first]).Kind != nameOf(u.g.data.ImageNames, ids[0]).Kind {
			msg = fmt.Sprintf("strings in one file, numbers in the other; %d results, the first ids: %s", u.count, strings.Join(u.ids, ", "))
		}
		var has []string
		for i := range min(len(ids), maxExamples) {
			has = append(has, u.g.images.name(int32(i)))
		}
		msg += "; those of the data set: " + strings.Join(has, ", ")
		if len(ids) > maxExamples {
			msg += ", …"
		}
	}
	return hinted(u.d.fail(u.first, "image_id", msg), idsHint)
}

// hinted adds advice to an error that can carry it.
func hinted(err error, hint string) error {
	if e := (*coco.Error)(nil); errors.As(err, &e) {
		e.Hint = hint
	}
	return err
}

// noCategory is an id that no data set has.
const noCategory = math.MinInt64

// findCategories finds the category ids of the entries as the data set numbers them.
func (d *detections) findCategories(g *truth, p *Params, w *warnings) error {
	d.category = d.CategoryID
	same := equalNames(d.CategoryNames, g.data.CategoryNames)
	if same && (p.Mode == Strict || !slices.ContainsFunc(d.CategoryID, func(id int64) bool { return g.rank.of(id) < 0 })) {
		return nil
	}
	place := g.categoryPlacer()
	note := placing{w, "category", "results"}
	d.category = make([]int64, d.Len())
	for i, id := range d.CategoryID {
		d.category[i] = noCategory
		name := nameOf(d.CategoryNames, id)
		x := placed{index: place.strictly(name)}
		if p.Mode == Corrected && p.CategoryIDs == nil {
			x = place.loosely(name)
		}
		if x.same != nil {
			return d.fail(i, "category_id", d.CategoryName(id)+" "+place.ambiguous(x))
		}
		if note.note(x, func() string { return d.CategoryName(id) }); x.index >= 0 {
			d.category[i] = g.ids[x.index]
		}
	}
	return nil
}

// placedNone reports, in corrected mode, that a list of results has no image or no category of the data set at all.
func (d *detections) placedNone(g *truth, p *Params) error {
	if p.Mode == Strict || d.Len() == 0 {
		return nil
	}
	if p.ImageIDs == nil && !slices.ContainsFunc(d.image, func(i int32) bool { return i >= 0 }) {
		u := unknownImages{d: d, g: g}
		for i := range d.image {
			u.add(i)
		}
		return u.err()
	}
	if p.CategoryIDs != nil || len(g.ids) == 0 {
		return nil
	}
	for _, id := range d.category {
		if g.rank.of(id) >= 0 {
			return nil
		}
	}
	var has []string
	for _, c := range g.listed[:min(len(g.listed), maxExamples)] {
		has = append(has, fmt.Sprintf("%s (%s)", g.data.CategoryName(c.ID), c.Name))
	}
	return hinted(d.fail(0, "category_id", d.CategoryName(d.CategoryID[0])+" is no category of the data set, and neither are those of the other results; it has "+strings.Join(has, ", ")),
		"the category ids of results must be those of the data set, or the names of its categories")
}
