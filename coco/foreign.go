package coco

import (
	"bytes"
	"fmt"
	"strings"
)

// foreign is a kind of file that people take for COCO's, and the way out.
type foreign struct{ name, hint string }

// Files that are no JSON, by their first bytes.
var magics = []struct {
	start string
	foreign
}{
	{"PK\x03\x04", foreign{"a zip archive", "unpack it and name the JSON file in it"}},
	{"\xfd7zXZ\x00", foreign{"a file packed by xz", "unpack it with xz -d; gzip and zstd are read as they are"}},
	{"BZh", foreign{"a file packed by bzip2", "unpack it with bzip2 -d; gzip and zstd are read as they are"}},
	{"7z\xbc\xaf\x27\x1c", foreign{"a 7z archive", "unpack it and name the JSON file in it"}},
	{"\xff\xfe", utf16Text},
	{"\xfe\xff", utf16Text},
	{"{\x00", utf16Text},
	{"[\x00", utf16Text},
	{"version https://git-lfs", foreign{"a pointer of Git LFS, not the file itself", "fetch it with git lfs pull"}},
	{"\x80\x02", pickled},
	{"\x80\x03", pickled},
	{"\x80\x04", pickled},
	{"\x80\x05", pickled},
	{"\x89PNG", picture},
	{"\xff\xd8\xff", picture},
	{"PAR1", foreign{"a Parquet table", "write it as a COCO file"}},
	{"COCOPART", foreign{"a partial result of cocoeval, which holds no pairs of detections and annotations", "name the results that it was made of"}},
}

var (
	utf16Text = foreign{"UTF-16 text, which JSON files are not", "write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE, or in PowerShell Set-Content -Encoding utf8"}
	pickled   = foreign{"a pickle of Python", "write it with Python's json"}
	picture   = foreign{"a picture", "name the annotation file"}
	jsonLines = foreign{"JSON lines, one value a line, and not one list", "jq -s . FILE makes a list of them"}
	ownLines  = foreign{"the JSON lines of spinemask --jsonl", "spinemask segment --save coco writes results.json, which is what is evaluated"}
	yoloText  = foreign{"a label file of YOLO", "convert the labels to COCO with the sizes of the images"}
	csvText   = foreign{"a table with separators", "convert it to COCO"}
)

// Kinds of JSON, by names that stand in their first bytes, all of them.
var shapes = []struct {
	names []string
	foreign
}{
	{[]string{"shapes", "imagePath"}, foreign{"a labelme file, of one picture", "convert the folder with labelme's labelme2coco.py"}},
	{[]string{"_via_img_metadata"}, foreign{"a project of VIA", "export the annotations in COCO format in VIA"}},
	{[]string{"regions", "filename", "file_attributes"}, foreign{"annotations of VIA in its own format", "export them in COCO format in VIA"}},
	{[]string{"regions", "shape_attributes"}, foreign{"annotations of VIA in its own format", "export them in COCO format in VIA"}},
	{[]string{"segments_info"}, foreign{"a panoptic data set, whose masks are in PNG files", "use the instances file; panopticapi's panoptic2detection_coco_format.py makes one"}},
	{[]string{"FeatureCollection"}, foreign{"GeoJSON", "convert it to COCO, in pixels of the image"}},
	{[]string{"annotations", "result", "from_name"}, foreign{"an export of Label Studio in its own format", "export it as COCO"}},
	{[]string{"label", "coordinates", "annotations"}, foreign{"a file of Create ML", "convert it to COCO"}},
}

// name tells what kind of file b is, if it is known to be none of COCO's, in the message; results says what it was to be.
func (e *Error) name(b []byte, results bool) {
	kind := magic(b)
	if kind == nil && (e.Array == "" || e.Msg == missing) { // else it is COCO's, with an error in an entry
		kind = whatIs(b, int(e.Offset), results)
	}
	if kind != nil {
		*e = Error{File: e.File, Kind: kind.name, Hint: kind.hint, Offset: e.Offset, Msg: e.Msg}
	}
}

// magic tells the kind of a file by its first bytes.
func magic(b []byte) *foreign {
	for i := range magics {
		if m := &magics[i]; bytes.HasPrefix(b, []byte(m.start)) {
			return &m.foreign
		}
	}
	return nil
}

// whatIs looks at text that could not be read, first at its beginning, then around the place of the error.
func whatIs(b []byte, offset int, results bool) *foreign {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	start := bytes.TrimSpace(b[:min(len(b), 64<<10)])
	switch {
	case len(start) == 0:
		return &foreign{"an empty file", ""}
	case start[0] == '<':
		return markup(start)
	case start[0] != '{' && start[0] != '[':
		return table(start)
	}
	around := b[max(0, min(offset, len(b))):min(len(b), offset+4<<10)]
	for i := range shapes {
		s := &shapes[i]
		if hasNames(start, s.names) || hasNames(around, s.names) {
			return &s.foreign
		}
	}
	if start[0] == '{' {
		if end := bytes.IndexByte(b, '\n'); end > 0 {
			line, next := bytes.TrimSpace(b[:end]), bytes.TrimSpace(b[end:])
			if bytes.HasSuffix(line, []byte("}")) && bytes.HasPrefix(next, []byte("{")) {
				return linesOf(line)
			}
		}
		if hasNames(start, []string{"file_name", "instances"}) && !hasNames(start, []string{"images"}) {
			return &ownLines
		}
		if results && hasNames(start, []string{"images"}) && offset == 0 {
			return &foreign{"a data set, not a list of results", "the annotations come first, then the results"}
		}
	}
	if !results && start[0] == '[' && hasNames(start, []string{"image_id", "category_id", "score"}) {
		return &foreign{"a list of results, not a data set", "the annotations come first, then the results"}
	}
	return nil
}

// linesOf tells the JSON lines of this project from others.
func linesOf(line []byte) *foreign {
	if hasNames(line, []string{"file_name", "instances"}) {
		return &ownLines
	}
	return &jsonLines
}

// hasNames reports whether all names stand in b as strings.
func hasNames(b []byte, names []string) bool {
	for _, n := range names {
		if !bytes.Contains(b, []byte(`"`+n+`"`)) {
			return false
		}
	}
	return true
}

// markup names XML and HTML.
func markup(b []byte) *foreign {
	text := strings.ToLower(string(b[:min(len(b), 4<<10)]))
	switch {
	case strings.Contains(text, "<!doctype html") || strings.Contains(text, "<html"):
		return &foreign{"a web page", "a link to a file often shows a page; fetch the file itself"}
	case strings.Contains(text, "<annotations") && strings.Contains(text, "<meta"):
		return &foreign{"an XML export of CVAT", "export the task in CVAT as COCO 1.0"}
	case strings.Contains(text, "<annotation"):
		return &foreign{"an XML file of Pascal VOC, of one picture", "convert the folder to COCO"}
	}
	return &foreign{"XML, not JSON", "export the annotations as COCO"}
}

// table names text in lines of numbers or words.
func table(b []byte) *foreign {
	line, _, _ := strings.Cut(string(b[:min(len(b), 4<<10)]), "\n")
	var class int
	var x, y float64
	if n, _ := fmt.Sscan(line, &class, &x, &y); n == 3 && len(strings.Fields(line)) >= 5 {
		return &yoloText
	}
	if strings.Count(line, ",") > 1 || strings.Count(line, ";") > 1 || strings.Count(line, "\t") > 1 {
		return &csvText
	}
	return nil
}
