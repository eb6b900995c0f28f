package dataset

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/rle"
)

// labelEndings are what the names of label images end with, beside the picture: those of
// Cellpose, and others that are common. Longer ones come first.
var labelEndings = []string{"_cp_masks", "_masks", "_mask", "_labels", "_label"}

// labelFolders hold label images that are named as the pictures beside the folder, or in a
// folder "images" beside it.
var labelFolders = map[string]bool{"labels": true, "masks": true}

// A labelPair is a label image and the name that its picture has, without its ending,
// both relative to the data set.
type labelPair struct {
	label  string
	images []string
}

// pairLabels finds the label images among files.
func pairLabels(names []string) (pairs []labelPair) {
	pictures := map[string]bool{}
	for _, n := range names {
		if isPicture(n) {
			pictures[stem(n)] = true
		}
	}
	for _, n := range names {
		if p := (labelPair{label: n, images: picturesOf(n)}); isPicture(n) && hasAny(pictures, p.images) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// labelsOf takes all pictures for label images, whose pictures lie in another folder.
func labelsOf(names []string) (pairs []labelPair) {
	for _, n := range names {
		if isPicture(n) {
			pairs = append(pairs, labelPair{label: n})
		}
	}
	return pairs
}

func hasAny(set map[string]bool, list []string) bool {
	for _, s := range list {
		if set[s] {
			return true
		}
	}
	return false
}

// picturesOf gives the names, without endings, that the picture of a label image may have.
func picturesOf(label string) (list []string) {
	folder, base := path.Split(stem(label))
	short := withoutEnding(base)
	if short != base {
		list = append(list, folder+short)
	}
	if parent, last := path.Split(strings.TrimSuffix(folder, "/")); labelFolders[strings.ToLower(last)] {
		for _, b := range []string{base, short} {
			list = append(list, parent+b, parent+"images/"+b)
		}
	}
	return list
}

func withoutEnding(base string) string {
	for _, e := range labelEndings {
		if s, ok := strings.CutSuffix(base, e); ok && s != "" {
			return s
		}
	}
	return base
}

// openLabels reads label images: every value above 0 is an object, of the one class
// "object". Pictures are upright, if no size says otherwise.
func openLabels(folder string, names []string, pairs []labelPair, o Options) (*Set, error) {
	s := &Set{Kind: LabelImages, Categories: []Category{{ID: 1, Name: className}}}
	f := NewFinder(folder)
	if o.Images != "" {
		f.folder = o.Images
	}
	objects := map[string][]Object{}
	for _, pair := range pairs {
		label := filepath.Join(folder, filepath.FromSlash(pair.label))
		p, err := pair.find(f, o.Images != "")
		if err != nil {
			s.fault("file-missing", label, "%v", err)
			continue
		}
		l, err := ReadLabelImage(label)
		if err != nil {
			s.fault("label-image", label, "%v", plain(err))
			continue
		}
		masks := l.masks()
		for _, m := range masks {
			objects[label] = append(objects[label], masked(0, m.mask, fmt.Sprintf("%s: value %d", label, m.value)))
		}
		if len(masks) == 1 {
			if n := parts(masks[0].mask); n > 1 {
				s.warn("binary-mask", label, "the only value above 0 has %d separate parts: they are taken for one object; a label image has a value for each", n)
			}
		}
		s.Images = append(s.Images, Image{Name: filepath.Base(p), Path: p, Height: l.Height, Width: l.Width, Place: label})
	}
	if o.Images == "" {
		s.unlabelled(folder, names, pairs)
	}
	s.settle(false)
	for i := range s.Images {
		s.Images[i].Objects = objects[s.Images[i].Place]
	}
	return s, nil
}

// find gives the picture of a label image.
func (p *labelPair) find(f *Finder, elsewhere bool) (string, error) {
	if elsewhere {
		base := stem(path.Base(p.label))
		found, err := f.Find(base)
		if err != nil && withoutEnding(base) != base {
			found, err = f.Find(withoutEnding(base))
		}
		return found, err
	}
	for _, name := range p.images {
		for ext := range pictureNames {
			for _, e := range []string{ext, strings.ToUpper(ext)} {
				if full := filepath.Join(f.folder, filepath.FromSlash(name)+e); isFile(full) {
					return full, nil
				}
			}
		}
	}
	return "", fmt.Errorf("there is no picture %s in %s", p.images[0], f.folder)
}

// unlabelled warns of pictures of the folder without a label image: they are left out.
func (s *Set) unlabelled(folder string, names []string, pairs []labelPair) {
	used := map[string]bool{} // label images, and what their pictures may be named
	for _, p := range pairs {
		used[p.label] = true
		for _, n := range p.images {
			used[n] = true
		}
	}
	for _, n := range names {
		if isPicture(n) && !used[n] && !used[stem(n)] {
			s.warn("label-missing", filepath.Join(folder, filepath.FromSlash(n)), "the picture has no label image; it is left out")
		}
	}
}

// parts counts the pieces of a mask that do not touch along an edge.
func parts(m rle.Mask) (n int) {
	for _, r := range m.Polygons() {
		if !r.Hole {
			n++
		}
	}
	return n
}
