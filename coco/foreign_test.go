package coco

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// Files that are taken for COCO's, as their programs write them.
func TestOtherKindsOfFilesAreNamed(t *testing.T) {
	utf16 := func(s string) string {
		out := "\xff\xfe"
		for _, c := range s {
			out += string([]byte{byte(c), 0})
		}
		return out
	}
	for _, c := range []struct{ text, want string }{
		{`{"version": "5.5.0", "flags": {}, "shapes": [{"label": "cell", "points": [[1, 1]]}], "imagePath": "a.png", "imageData": null}`, "is a labelme file, of one picture"},
		{`{"_via_settings": {}, "_via_img_metadata": {"a.png123": {"filename": "a.png", "size": 123, "regions": []}}}`, "is a project of VIA"},
		{`{"a.png123": {"filename": "a.png", "size": 123, "regions": [{"shape_attributes": {"name": "polygon"}}], "file_attributes": {}}}`, "is annotations of VIA in its own format"},
		{`[{"filename": "a.png", "size": 1, "regions": [], "file_attributes": {}}]`, "is annotations of VIA in its own format"},
		{`{"images": [{"id": 1}], "categories": [], "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": [{"id": 5, "category_id": 1}]}]}`, "is a panoptic data set, whose masks are in PNG files"},
		{"{\"image_id\": 1}\n{\"image_id\": 2}\n", "is JSON lines, one value a line, and not one list"},
		{"{\"id\":1,\"file_name\":\"a.png\",\"width\":3,\"height\":2,\"instances\":[]}\n{\"id\":2,\"file_name\":\"b.png\",\"instances\":[]}\n", "is the JSON lines of spinemask --jsonl"},
		{`{"id":1,"file_name":"a.png","width":3,"height":2,"instances":[]}`, "is the JSON lines of spinemask --jsonl"},
		{`{"type": "FeatureCollection", "features": []}`, "is GeoJSON"},
		{`[{"id": 1, "annotations": [{"result": [{"from_name": "label"}]}], "data": {}}]`, "is an export of Label Studio in its own format"},
		{"0 0.5 0.5 0.25 0.25\n1 0.1 0.2 0.3 0.4\n", "is a label file of YOLO"},
		{"0 0.5 0.5 0.25 0.25 0.1 0.2", "is a label file of YOLO"},
		{"<annotation><folder>x</folder></annotation>", "is an XML file of Pascal VOC, of one picture"},
		{"<?xml version=\"1.0\"?>\n<annotations><version>1.1</version><meta></meta></annotations>", "is an XML export of CVAT"},
		{"<!DOCTYPE html><html></html>", "is a web page"},
		{"image_id,category_id,score\n1,2,3\n", "is a table with separators"},
		{"PK\x03\x04rest", "is a zip archive"},
		{"\xfd7zXZ\x00rest", "is a file packed by xz"},
		{"BZh91AY", "is a file packed by bzip2"},
		{"\x80\x04\x95", "is a pickle of Python"},
		{"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, not the file itself"},
		{"COCOPART\x02", "is a partial result of cocoeval, which holds no pairs of detections and annotations"},
		{utf16(`{"images": []}`), "is UTF-16 text, which JSON files are not"},
		{utf16(`[]`)[2:], "is UTF-16 text, which JSON files are not"},
		{"", "is an empty file"},
	} {
		for _, read := range []func() error{
			func() error { _, err := ParseDataset([]byte(c.text), "f", AllFields); return err },
			func() error { _, err := ParseResults([]byte(c.text), "f", AllFields); return err },
		} {
			err := read()
			require.EqualError(t, err, "coco: f: "+c.want, c.text)
			var e *Error
			require.True(t, errors.As(err, &e))
			require.True(t, e.Hint != "" || c.text == "", c.text)
		}
	}
}

func TestFilesInTheOtherOnesPlaceAreNamed(t *testing.T) {
	_, err := ParseDataset([]byte(smallResults), "f", AllFields)
	require.EqualError(t, err, "coco: f: is a list of results, not a data set")
	_, err = ParseResults([]byte(`{"images":[],"categories":[]}`), "f", AllFields)
	require.EqualError(t, err, "coco: f: is a data set, not a list of results")
}

// An error in an entry of a COCO file stays one, whatever words the file has.
func TestErrorsOfEntriesStay(t *testing.T) {
	_, err := ParseDataset([]byte(`{"info":{"shapes":1,"imagePath":2},"images":[],"annotations":[{"image_id":1,"category_id":2,"bbox":[1]}]}`), "f", AllFields)
	require.ErrorContains(t, err, "annotations[0]: bbox: 1 numbers, want 4")
}

func TestPythonBytesAndFlatPolygonsAreRead(t *testing.T) {
	r, err := ParseResults([]byte(`[{"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[4,5],"counts":"b'24\\\\1'"}},
	 {"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[4,5],"counts":"b\"241\""}},
	 {"image_id":1,"category_id":1,"score":1,"segmentation":[1, 2.5,3,4,-5,6]}, {"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[4,5],"counts":"24\\1"}}]`), "f", AllFields)
	require.NoError(t, err)
	require.True(t, r.Mask[0].Bytes && r.Mask[1].Bytes && !r.Mask[3].Bytes)
	require.Equal(t, r.AppendRuns(nil, 3), r.AppendRuns(nil, 0))
	require.Equal(t, r.Mask[3].Summary(), r.Mask[0].Summary())
	require.True(t, r.Mask[2].Flat)
	require.Equal(t, [][]float64{{1, 2.5, 3, 4, -5, 6}}, r.Polygons(2))
}
