package dataset

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// CheckOptions of Check.
type CheckOptions struct {
	Masks    bool // objects without a mask are errors
	Evaluate bool // nothing is learned: how many examples there are does not matter
}

// fewExamples is the number of objects below which a class is said to have few.
const fewExamples = 10

// Check says what is wrong with a data set that is to be trained on, and with val, which
// is for validation and may be nil: what was found while they were read, objects that
// cannot be learned, classes without enough examples, and what is there twice. What
// follows from errors, such as a class of which no object is left, is not told.
func Check(set, val *Set, o CheckOptions) []Problem {
	c := &checker{options: o}
	if complete := c.set(set); complete && !o.Evaluate {
		c.classes(set)
	}
	if val != nil {
		c.set(val)
		c.unknownClasses(set, val)
	}
	c.sameFiles(set, val)
	return c.Problems
}

type checker struct {
	Set     // whose problems are what is found
	options CheckOptions
}

// set checks the images of a set. It tells whether the set is complete.
func (c *checker) set(s *Set) bool {
	c.Problems = append(c.Problems, s.Problems...)
	empty, objects := c.objects(s)
	if slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Severity == Error }) {
		return false
	}
	if objects == 0 {
		c.fault("no-annotations", s.Path, "nothing is marked in any of the %d images", len(s.Images))
		return false
	}
	if empty > 0 && !c.options.Evaluate {
		c.warn("images-without-objects", s.Path, "%d of %d images have no objects: all that they show counts as background", empty, len(s.Images))
	}
	return true
}

// objects checks all objects of a set, counts them, and the images that have none.
func (c *checker) objects(s *Set) (empty, objects int) {
	for i := range s.Images {
		im := &s.Images[i]
		if len(im.Objects) == 0 {
			empty++
		}
		objects += len(im.Objects)
		for k := range im.Objects {
			c.object(im, &im.Objects[k])
		}
		c.twins(im)
		c.doubles(im)
	}
	return empty, objects
}

// object checks an object of an image.
func (c *checker) object(im *Image, o *Object) {
	w, h := float32(im.Width), float32(im.Height)
	if im.Width == 0 || im.Height == 0 { // not known
		w, h = float32(math.Inf(1)), float32(math.Inf(1))
	}
	b := o.Box
	switch {
	case math.IsNaN(float64(b.X1 + b.Y1 + b.X2 + b.Y2)):
		c.fault("box", o.Place, "the box is %v", b)
		return
	case b.X2 <= 0 || b.Y2 <= 0 || b.X1 >= w || b.Y1 >= h:
		c.fault("box-outside", o.Place, "the box from (%g, %g) to (%g, %g) lies outside of the image of %d×%d pixels (width × height)", b.X1, b.Y1, b.X2, b.Y2, im.Width, im.Height)
		return
	case o.Crowd:
	case !o.HasMask() && c.options.Masks:
		c.fault("no-mask", o.Place, "there is a box and no mask, and the model learns masks")
		return
	case o.HasMask() && apart(b, bounds(o.Mask)):
		m := bounds(o.Mask)
		c.warn("box-mask", o.Place, "the box from (%g, %g) to (%g, %g) does not fit the mask, which is from (%g, %g) to (%g, %g); boxes are x, y, width, height", b.X1, b.Y1, b.X2, b.Y2, m.X1, m.Y1, m.X2, m.Y2)
		return
	}
	if b.X1 < -1 || b.Y1 < -1 || b.X2 > w+1 || b.Y2 > h+1 { // by a pixel where people count from 1
		c.warn("box-beyond", o.Place, "the box from (%g, %g) to (%g, %g) reaches beyond the image of %d×%d pixels (width × height)", b.X1, b.Y1, b.X2, b.Y2, im.Width, im.Height)
	}
}

// apart tells whether a box is not that of a mask: of things of a few pixels the mask has
// whole ones, and the box does not.
func apart(b, mask box.Box) bool {
	most := max(max(b.X1-mask.X1, mask.X1-b.X1), max(b.Y1-mask.Y1, mask.Y1-b.Y1), max(b.X2-mask.X2, mask.X2-b.X2), max(b.Y2-mask.Y2, mask.Y2-b.Y2))
	return most > 2 && overlap(b, mask) < 0.5
}

// overlap is the intersection over union of two boxes.
func overlap(a, b box.Box) float32 {
	w := min(a.X2, b.X2) - max(a.X1, b.X1)
	h := min(a.Y2, b.Y2) - max(a.Y1, b.Y1)
	if w <= 0 || h <= 0 {
		return 0
	}
	both := float32(w * h)
	return both / (float32((a.X2-a.X1)*(a.Y2-a.Y1)) + float32((b.X2-b.X1)*(b.Y2-b.Y1)) - both)
}

// twins warns of objects that are marked twice in an image.
func (c *checker) twins(im *Image) {
	type key struct {
		category int
		box      box.Box
		mask     string
	}
	seen := map[key]*Object{}
	for i := range im.Objects {
		o := &im.Objects[i]
		k := key{o.Category, o.Box, ""}
		if o.HasMask() {
			k.box, k.mask = box.Box{}, o.Mask.String()
		}
		if first := seen[k]; first != nil {
			c.warn("object-twice", o.Place, "the same object is %s", first.Place)
			continue
		}
		seen[k] = o
	}
}

// sameObject is the IoU from which two objects of a class are taken for one that is marked twice.
const sameObject = 0.9

// doubles warns of objects of a class that cover nearly the same pixels, and are no twins.
func (c *checker) doubles(im *Image) {
	order := make([]*Object, 0, len(im.Objects))
	for i := range im.Objects {
		if o := &im.Objects[i]; !o.Crowd {
			order = append(order, o)
		}
	}
	slices.SortStableFunc(order, func(a, b *Object) int { return cmp.Compare(a.Box.X1, b.Box.X1) })
	for i, a := range order {
		for _, b := range order[i+1:] {
			if b.Box.X1-a.Box.X1 > (1-sameObject)*(a.Box.X2-a.Box.X1) {
				break // so are all that follow
			}
			if a.Category != b.Category || overlap(a.Box, b.Box) < sameObject {
				continue
			}
			iou := float64(overlap(a.Box, b.Box))
			if a.HasMask() && b.HasMask() && a.Mask.H == b.Mask.H && a.Mask.W == b.Mask.W {
				iou = rle.IoU(a.Mask, b.Mask, false)
			}
			if iou >= sameObject && iou < 1 {
				c.warn("object-double", b.Place, "the object covers by an IoU of %.2f the same as %s", iou, a.Place)
			}
		}
	}
}

// classes warns of classes with too few examples.
func (c *checker) classes(s *Set) {
	count, crowds := make([]int, len(s.Categories)), make([]int, len(s.Categories))
	for _, im := range s.Images {
		for _, o := range im.Objects {
			if o.Crowd {
				crowds[o.Category]++
			} else {
				count[o.Category]++
			}
		}
	}
	names := map[string]bool{}
	for i, k := range s.Categories {
		switch {
		case k.Name != "" && names[k.Name]:
			c.fault("class-name", s.Path, "there are two classes with the name %s", k.Name)
		case count[i] == 0 && crowds[i] > 0:
			c.warn("all-crowd", s.Path, "%s has no object that counts: iscrowd is 1 for all %d", called(k), crowds[i])
		case count[i] == 0:
			c.warn("class-unused", s.Path, "%s has no example: it can be neither learned nor measured", called(k))
		case count[i] < fewExamples:
			examples := "examples"
			if count[i] == 1 {
				examples = "example"
			}
			c.warn("class-few", s.Path, "%s has only %d %s", called(k), count[i], examples)
		}
		names[k.Name] = true
	}
}

// unknownClasses tells classes that are in the validation set alone.
func (c *checker) unknownClasses(set, val *Set) {
	for _, k := range val.Categories {
		if set.find(k) < 0 {
			c.fault("class-unknown", val.Path, "%s is not among those that are trained: %s", called(k), strings.Join(set.Titles(), ", "))
		}
	}
}

// sameFiles tells images that are there twice, by the content of their files. Only files
// of the same size are read.
func (c *checker) sameFiles(set, val *Set) {
	type member struct {
		*Image
		info       os.FileInfo
		validation bool
	}
	var all []member
	ofSize := map[int64]int{} // how many files have it
	add := func(s *Set, validation bool) {
		for i := range s.Images {
			if info, err := os.Stat(s.Images[i].Path); err == nil {
				ofSize[info.Size()]++
				all = append(all, member{&s.Images[i], info, validation})
			}
		}
	}
	add(set, false)
	if val != nil {
		add(val, true)
	}
	seen := map[[sha256.Size]byte]member{}
	for _, im := range all {
		if ofSize[im.info.Size()] < 2 {
			continue
		}
		sum, err := hashOf(im.Path)
		if err != nil {
			c.fault("file-unreadable", im.Place, "%s: %v", im.Path, plain(err))
			continue
		}
		first, twice := seen[sum]
		switch {
		case !twice:
			seen[sum] = im
		case first.validation != im.validation:
			c.warn("in-training-and-validation", im.Place, "%s is the same picture as %s, which is trained on: validation is no test of it", im.Path, first.Path)
		case os.SameFile(first.info, im.info):
			c.fault("file-twice", im.Place, "%s is the file of another image, too: %s", im.Path, first.Place)
		default:
			c.warn("image-twice", im.Place, "%s is the same picture as %s", im.Path, first.Path)
		}
	}
}

func hashOf(p string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(p)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// Title is the name of a category, or else "class 7" of its id.
func (k *Category) Title() string {
	if k.Name == "" {
		return fmt.Sprint("class ", k.ID)
	}
	return k.Name
}

// called is "class cell".
func called(k Category) string { return "class " + strings.TrimPrefix(k.Title(), "class ") }

// Titles are those of all categories.
func (s *Set) Titles() (list []string) {
	for i := range s.Categories {
		list = append(list, s.Categories[i].Title())
	}
	return list
}

// find gives the index of the category of the same name, or of the same id if it has no
// name; -1 if there is none.
func (s *Set) find(k Category) int {
	for i, own := range s.Categories {
		if own.Name == k.Name && (k.Name != "" || own.ID == k.ID) {
			return i
		}
	}
	return -1
}

// Recategorize gives a set the categories of another, of the same names. Objects of
// categories that the other one does not have are dropped.
func (s *Set) Recategorize(like *Set) {
	to := make([]int, len(s.Categories))
	for i, k := range s.Categories {
		to[i] = like.find(k)
	}
	for i := range s.Images {
		im := &s.Images[i]
		kept := im.Objects[:0]
		for _, o := range im.Objects {
			if o.Category = to[o.Category]; o.Category >= 0 {
				kept = append(kept, o)
			}
		}
		im.Objects = kept
	}
	s.Categories = like.Categories
}
