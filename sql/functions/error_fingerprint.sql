-- What an error is called when it is counted: the first 300 characters of its text, with what differs from one occurrence
-- to the next folded away. Quoted text is "…", numbers and ids are #. An HTTP status, an exit status or a signal with
-- which the text begins stays, since it is the cause. Reads nothing.
--
-- Immutable and without settings of its own, so that it is inlined; and its patterns have no lookbehind, which makes them
-- several times slower: it is called for each of many errors.
create or replace function evd.error_fingerprint(p_error text) returns text
language sql immutable parallel safe
as $$
  select coalesce(substring(left(p_error, 300) from '^[^0-9"''`]*\m(?:HTTP|status|signal) [0-9]+\M'), '')
         || regexp_replace(
              regexp_replace(
                regexp_replace(left(p_error, 300), '^[^0-9"''`]*\m(?:HTTP|status|signal) [0-9]+\M', ''),
                '"[^"]*"|\Y''[^'']*''\Y|`[^`]*`', '"…"', 'g'),
              '\m[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\M|\m(?:0x)?[0-9a-fA-F]{8,}\M|\m0x[0-9a-fA-F]+\M'
              '|[0-9]+(?:[.:][0-9]+)*', '#', 'g')
$$;
