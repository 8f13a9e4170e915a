/** What public services say of themselves, as far as it bounds the config. */

export const anuUrl = "https://qrng.anu.edu.au/API/jsonI.php";
/** "Limited to 1 requests per minute", as the service says when it is asked more often. */
export const anuPause = 60_000;

export const aqnUrl = "https://api.quantumnumbers.anu.edu.au";

/** Qrypt counts in blocks of 1 KiB. */
export const qryptBlock = 1024;
/** 30 requests in 10 s are allowed; this leaves room for another user of the same token. */
export const qryptPause = 400;
