"""Small front ends (小前台): HTTP for one audience each. A front translates; it decides nothing."""
